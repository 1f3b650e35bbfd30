/** What this machine has that the lab can use; looked at anew each time. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { delimiter, join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import { formatBytes } from "../../engine/experiment/format.ts";
import { DEFAULT_BASELINE, policyOf, SERIES_POLICY } from "../../engine/experiment/policies.ts";
import { PROFILE_FIELDS, sayField } from "../../engine/mm/kernel-profile-fields.ts";
import { nearestProfile } from "../../engine/mm/kernel-profiles.ts";
import { captureMeans } from "../../probe/capture-means.ts";
import { detect } from "../../probe/detect.ts";
import { tryDisplay } from "../../probe/display.ts";
import { thisKernel } from "../../probe/this-kernel.ts";
import { ELECTRON_TODO, electronFault } from "../contract/electron-support.ts";
import type { Fact } from "../contract.ts";
import { shownPath } from "../data-folder.ts";
import { readConvenience } from "../json-file.ts";
import { VERSION } from "../version.ts";

const SERIES = policyOf(SERIES_POLICY);
const BASELINE = policyOf(DEFAULT_BASELINE);

function onPath(...programs: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  for (const program of programs)
    for (const folder of folders) if (existsSync(join(folder, program))) return join(folder, program);
  return undefined;
}

/** The running kernel's build configuration, null where it is not shown. */
function kernelConfig(): string | null {
  try {
    return gunzipSync(readFileSync("/proc/config.gz")).toString("latin1");
  } catch {
    try {
      return readFileSync(`/boot/config-${release()}`, "latin1");
    } catch {
      return null;
    }
  }
}

function ptReclaimConfigured(): Fact {
  const fact = { id: "pt-reclaim-config", label: "CONFIG_PT_RECLAIM" };
  if (process.platform !== "linux") return { ...fact, value: "not Linux", state: "note" };
  const config = kernelConfig();
  if (config === null) return { ...fact, value: "this kernel does not show its configuration", state: "note" };
  const on = /^CONFIG_PT_RECLAIM=y$/m.test(config);
  return on
    ? { ...fact, value: "yes", state: "ok" }
    : {
        ...fact,
        value: "no",
        state: "missing",
        todo: `The model works without it; measured runs ${SERIES.phrase} need Linux 6.14 or later on x86-64`,
      };
}

function compiler(): Fact {
  const found = onPath("cc", "gcc", "clang");
  return found === undefined
    ? {
        id: "compiler",
        label: "C compiler",
        value: "none",
        state: "missing",
        todo: "Measured runs need the probe built once: install gcc and libc6-dev (or clang)",
      }
    : { id: "compiler", label: "C compiler", value: found, state: "ok" };
}

function measuredRuns(): Fact {
  const fact = { id: "measured", label: "Measured runs" };
  const kernel = detect();
  if (!kernel.available) return { ...fact, value: `no: ${kernel.why}`, state: "missing", todo: kernel.todo };
  return kernel.reclaims
    ? {
        ...fact,
        value: `${SERIES.word} and ${BASELINE.word}: this kernel was seen to reclaim empty page tables`,
        state: "ok",
      }
    : {
        ...fact,
        value: `${BASELINE.word} only: this kernel does not reclaim page tables in MADV_DONTNEED`,
        state: "note",
        todo: `${SERIES.word} needs Linux 6.14 or later with CONFIG_PT_RECLAIM; the model has both`,
      };
}

/** What the running kernel is, as the probe found it by trying: how it differs from the kernels that the lab knows, in words. */
function kernelProfile(): Fact {
  const fact = { id: "kernel-profile", label: "Kernel profile" };
  const kernel = thisKernel();
  if (!kernel.available) return { ...fact, value: `not found out: ${kernel.why}`, state: "note" };
  const { profile, unknown } = kernel;
  const { known, differs } = nearestProfile(profile);
  const words = differs.map((field) => sayField(profile, field));
  const untried = unknown.map(({ field, why }) => `${PROFILE_FIELDS[field].label} (${why})`);
  return {
    ...fact,
    value: words.length === 0 ? `as ${known.name}` : `as ${known.name}, but: ${words.join("; ")}`,
    state: untried.length === 0 ? "ok" : "note",
    profile: { ...profile },
    ...(untried.length === 0
      ? {}
      : { todo: `Could not be tested here, so assumed as in the reference: ${untried.join("; ")}` }),
  };
}

async function captures(): Promise<Fact> {
  const fact = { id: "capture", label: "Recording programs" };
  const means = await captureMeans();
  if (means.how === null) return { ...fact, value: `no: ${means.why}`, state: "missing", todo: means.todo };
  if (means.how === "perf") return { ...fact, value: `with ${means.perf}`, state: "ok" };
  return { ...fact, value: `with tracefs (${means.why})`, state: "ok" };
}

async function display(): Promise<Fact> {
  const fact = { id: "display", label: "Display" };
  const { switches, words } = await tryDisplay();
  return switches !== null
    ? { ...fact, value: words, state: "ok" }
    : {
        ...fact,
        value: `none: ${words}`,
        state: "note",
        todo: "The command line needs none; the window needs one (or xvfb-run)",
      };
}

const electronSchema = v.object({ version: v.string() });

/** The Electron that shows the window: of this window, of this package, or of the last start from the sources. */
function windowElectron(): string {
  const told = process.env.RECLAIM_LAB_ELECTRON_VERSION ?? "";
  if (told !== "") return told;
  const here = join(import.meta.dirname, "electron.json");
  const built = join(import.meta.dirname, "..", "..", "dist", "host", "electron.json");
  return (
    [here, built].map((file) => readConvenience(file, electronSchema, { version: "" }).version).find(Boolean) ?? ""
  );
}

function electron(): Fact {
  const fact = { id: "electron", label: "Electron of the window" };
  const version = windowElectron();
  if (version === "") return { ...fact, value: "not started yet (npm start finds one)", state: "note" };
  const fault = electronFault(version);
  return fault === null
    ? { ...fact, value: version, state: "ok" }
    : { ...fact, value: fault, state: "missing", todo: ELECTRON_TODO };
}

function memory(): string {
  return formatBytes(totalmem());
}

/** 0 where it cannot be seen. */
function sizeIn(file: string): number {
  try {
    return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  } catch {
    return 0;
  }
}

/** `history`: the file that is used. */
export async function lookAround(history: string): Promise<Fact[]> {
  const size = sizeIn(history);
  const runtime = process.versions.electron === undefined ? "" : `, Electron ${process.versions.electron}`;
  return [
    { id: "version", label: "Reclaim Lab", value: VERSION, state: "ok" },
    { id: "kernel", label: "Kernel", value: `${process.platform} ${release()} ${process.arch}`, state: "ok" },
    kernelProfile(),
    ptReclaimConfigured(),
    { id: "cpu", label: "Processor", value: `${cpus()[0]?.model.trim() ?? "?"}, ${cpus().length} cores`, state: "ok" },
    { id: "memory", label: "Memory", value: memory(), state: "ok" },
    compiler(),
    measuredRuns(),
    await captures(),
    await display(),
    electron(),
    { id: "runtime", label: "Lab host", value: `Node ${process.versions.node}${runtime}`, state: "ok" },
    { id: "history", label: "History", value: `${shownPath(history)} (${formatBytes(size)})`, state: "ok" },
  ];
}
