/** `this`: the running kernel's profile, found by the probe, which tries each behaviour in a child of its own. */
import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { ReclaimLabError } from "../engine/error.ts";
import type { KernelProfile } from "../engine/mm/kernel-profile.ts";
import { ensureProbe } from "./detect.ts";
import { type FoundProfile, parseFindings, profileOf } from "./found-profile.ts";
import { PROBE_PATH } from "./locate.ts";

export type ThisKernel =
  | ({ readonly available: true } & FoundProfile)
  | { readonly available: false; readonly why: string };

/** The running kernel cannot be asked. */
class NoKernelError extends ReclaimLabError {
  override readonly name: string = "NoKernelError";
}

/** Settings that may change while a process runs: what was found holds while they are the same. */
const SETTINGS = [
  ...["enabled", "shmem_enabled", "use_zero_page", "hugepages-2048kB/enabled", "khugepaged/scan_sleep_millisecs"].map(
    (name) => `/sys/kernel/mm/transparent_hugepage/${name}`,
  ),
  "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
  "/proc/sys/vm/overcommit_memory",
  "/proc/sys/vm/max_map_count",
  "/proc/swaps",
];

function settingsNow(): string {
  const built = statSync(PROBE_PATH, { throwIfNoEntry: false })?.mtimeMs;
  const texts = SETTINGS.map((path) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  });
  return [built, ...texts].join("\0");
}

/** What was found, under which settings. */
export interface AskedKernel {
  readonly settings: string;
  readonly kernel: ThisKernel;
}

let kept: AskedKernel | undefined;

/** Takes some 0.3 s, the first time in a process and whenever a setting of the system has changed. */
export function thisKernel(): ThisKernel {
  const missing = ensureProbe();
  if (missing !== null) return { available: false, why: missing };
  const settings = settingsNow();
  if (kept?.settings !== settings) kept = { settings, kernel: askProbe() };
  return kept.kernel;
}

/** What this thread has found out, if it has: for another one. */
export const askedKernel = (): AskedKernel | undefined => kept;

/** What another thread of this process has found out is not asked again in this one. */
export function keepAskedKernel(asked: AskedKernel): void {
  kept = asked;
}

function askProbe(): ThisKernel {
  const run = spawnSync(PROBE_PATH, ["profile"], { encoding: "utf8", timeout: 120_000 });
  if (run.error) return { available: false, why: `the probe does not start: ${run.error.message}` };
  if (run.status !== 0)
    return { available: false, why: run.stderr.trim() || `the probe ended with ${run.signal ?? run.status}` };
  return { available: true, ...profileOf(parseFindings(run.stdout), PROBE_PATH) };
}

/** The profile that runs of this machine are held against. Errors: NoKernelError that says why there is none. */
export function requireThisProfile(): KernelProfile {
  const kernel = thisKernel();
  if (kernel.available) return kernel.profile;
  throw new NoKernelError("The profile of this kernel cannot be found", {
    why: kernel.why,
    todo: "Name one: --kernel reference",
  });
}
