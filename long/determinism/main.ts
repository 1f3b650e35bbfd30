/**
 * The same experiment a thousand times: one digest of its samples. Then every way there is to run it: on the main
 * thread, in the lab host's worker, by the command line in a process of its own, and from the window.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../db/store.ts";
import { DEFAULT_POLICIES } from "../../engine/experiment/policies.ts";
import { run } from "../../engine/experiment/run.ts";
import { type Mode, SAMPLE_COLUMNS } from "../../engine/experiment/types.ts";
import { openLab } from "../../main/host/lab.ts";
import { prepare } from "../../main/worker/prepare.ts";
import { buildIfNeeded } from "../../scripts/lib/build.ts";
import { electronSwitches } from "../../scripts/lib/display.ts";
import { findElectron } from "../../scripts/lib/electron-runtime.ts";
import { ROOT } from "../../scripts/lib/paths.ts";
import { startDisplay } from "../../scripts/lib/xvfb.ts";
import { startWindow, until } from "../lib/cdp.ts";
import { runPart } from "../lib/part.ts";
import { textTable } from "../lib/table.ts";

const SEED = 7;
/** Workloads that draw on chance are repeated too, fewer times. */
const WORKLOADS: readonly {
  readonly name: string;
  readonly params: Readonly<Record<string, number>>;
  readonly share: number;
}[] = [
  { name: "commit-table", params: { size: 2 ** 32 }, share: 1 },
  { name: "jemalloc-decay", params: {}, share: 0.02 },
];
type Workload = (typeof WORKLOADS)[number];

/** All samples of a run, every column, as bytes. */
function digest(columns: Readonly<Partial<Record<string, ArrayLike<number>>>>): string {
  const hash = createHash("sha256");
  for (const { name } of SAMPLE_COLUMNS) hash.update(Buffer.from(Float64Array.from(columns[name] ?? []).buffer));
  return hash.digest("hex");
}

async function onMainThread({ name, params }: Workload, mode: Mode): Promise<string> {
  const { findPreset } = await import("../../engine/workload/presets/index.ts");
  const { validateParams } = await import("../../engine/experiment/params.ts");
  const { REFERENCE_PROFILE } = await import("../../engine/mm/kernel-profiles.ts");
  const checked = validateParams(findPreset(name)?.params ?? [], params);
  if (!checked.ok) throw new Error(checked.problems.map((each) => each.reason).join("; "));
  const task = {
    source: "model" as const,
    workload: { kind: "preset" as const, name, params: { ...checked.params } },
    mode,
    seed: SEED,
    levels: 4 as const,
    profile: { ...REFERENCE_PROFILE },
    knobs: {},
    stop: new SharedArrayBuffer(4),
  };
  const rows: Float64Array[] = [];
  const going = run({ ...(await prepare(task)), now: () => performance.now() });
  for (let step = await going.next(); !step.done; step = await going.next()) rows.push(...step.value.samples);
  const columns = Object.fromEntries(
    SAMPLE_COLUMNS.map((column, at) => [column.name, rows.map((row) => row[at] ?? 0)]),
  );
  return digest(columns);
}

/** Digests of the runs of the only experiment in a history, by mode. */
function stored(file: string): Map<string, string> {
  const store = openStore(file);
  try {
    const [row] = store.list({}).rows;
    if (row === undefined) throw new Error("nothing was stored");
    return new Map(store.getExperiment(row.id).runs.map((each) => [each.mode, digest(store.samples(each.id).columns)]));
  } finally {
    store.close();
  }
}

const SPEC = ({ name, params }: Workload) => ({ workload: { kind: "preset", name, params }, seed: SEED });

async function inWorker(workload: Workload, folder: string): Promise<Map<string, string>> {
  const file = join(folder, "worker.sqlite");
  let ended = 0;
  const lab = openLab({
    file,
    emit: (name) => {
      if (name === "run.ended") ended++;
    },
    log: (error) => console.error(error),
  });
  await lab.call("experiment.start", SPEC(workload));
  await until("the worker's runs to end", () => (ended === DEFAULT_POLICIES.length ? true : undefined));
  await lab.close();
  return stored(file);
}

function byCommandLine({ name, params }: Workload, folder: string): Map<string, string> {
  const file = join(folder, "cli.sqlite");
  const set = Object.entries(params).flatMap(([param, value]) => ["--set", `${param}=${value}`]);
  const args = [join(ROOT, "main", "cli.ts"), "run", name, ...set, "--seed", String(SEED), "--db", file, "--json"];
  const done = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`the command line ended with ${done.status}: ${done.stderr}`);
  return stored(file);
}

async function fromWindow(workload: Workload, folder: string): Promise<Map<string, string>> {
  const data = join(folder, `window-${workload.name}`);
  const electron = await findElectron();
  buildIfNeeded();
  const display = await startDisplay();
  try {
    const started = await startWindow(
      electron.executable,
      [...electronSwitches().filter((each) => each !== "--disable-gpu"), ROOT],
      { ...process.env, DISPLAY: display.name, RECLAIM_LAB_DATA: data },
    );
    const { id } = await started.page.call<{ id: number }>("experiment.start", SPEC(workload));
    await until("the window's runs to end", async () => {
      const { runs } = await started.page.call<{ runs: { status: string }[] }>("experiment.get", { id });
      return runs.every((each) => each.status === "done") || undefined;
    });
    await started.stop();
    return stored(join(data, "history.sqlite"));
  } finally {
    display.close();
  }
}

await runPart(
  "determinism",
  async ({ short, values, say }) => {
    const times = Number(values.times ?? (short ? 50 : 1000));
    const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-determinism-"));
    const rows: (string | number)[][] = [];
    let different = 0;
    let total = 0;
    try {
      for (const workload of WORKLOADS) {
        const repeats = Math.max(3, Math.round(times * workload.share));
        const places: [string, Map<string, string>][] = [
          ["worker", await inWorker(workload, mkdtempSync(join(folder, "w-")))],
          ["command line", byCommandLine(workload, mkdtempSync(join(folder, "c-")))],
          ["window", await fromWindow(workload, folder)],
        ];
        for (const mode of DEFAULT_POLICIES) {
          const digests = new Map<string, number>();
          for (let i = 0; i < repeats; i++) {
            const found = await onMainThread(workload, mode);
            digests.set(found, (digests.get(found) ?? 0) + 1);
          }
          total += repeats;
          const [first = ""] = digests.keys();
          different += digests.size - 1;
          rows.push([
            workload.name,
            mode,
            "main thread",
            repeats,
            [...digests.keys()].map((each) => each.slice(0, 16)).join(" "),
          ]);
          for (const [place, found] of places) {
            const theirs = found.get(mode) ?? "none";
            if (theirs !== first) different++;
            rows.push([workload.name, mode, place, 1, theirs.slice(0, 16)]);
          }
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    say(textTable(["workload", "mode", "where", "times", "digest of all samples"], rows));
    return {
      ok: different === 0,
      summary: `${total.toLocaleString("en-US")} runs on the main thread, then worker, command line and window: ${different} digests that differ`,
    };
  },
  { times: { type: "string" } },
);
