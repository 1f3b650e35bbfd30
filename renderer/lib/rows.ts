import { saving } from "../../chart/sentence.ts";
import type { Mode, RunStatus, RunSummary, Source } from "../../engine/experiment/types.ts";

interface RunLike {
  readonly source: Source;
  readonly mode: Mode;
  readonly status: RunStatus;
  readonly summary: RunSummary | null;
}

/** The pair of runs, one a mode, that an experiment's result is said from: the model's, else the kernel's. */
export function resultPair<R extends RunLike>(runs: readonly R[]): { sync?: R; none?: R } {
  for (const source of ["model", "kernel"] as const) {
    const sync = runs.find((run) => run.source === source && run.mode === "sync" && run.summary);
    const none = runs.find((run) => run.source === source && run.mode === "none" && run.summary);
    if (sync || none) return { ...(sync ? { sync } : {}), ...(none ? { none } : {}) };
  }
  return {};
}

/** As resultPair, but for runs that have no summary yet as well. */
export function firstPair<R extends RunLike>(runs: readonly R[]): { sync?: R; none?: R } {
  const source = runs.some((run) => run.source === "model") ? "model" : "kernel";
  const sync = runs.find((run) => run.source === source && run.mode === "sync");
  const none = runs.find((run) => run.source === source && run.mode === "none");
  return { ...(sync ? { sync } : {}), ...(none ? { none } : {}) };
}

/** The saving at the end (or at the peak, where the ends are alike); undefined where one mode is missing. */
export function rowSaving(runs: readonly RunLike[]): number | undefined {
  const { sync, none } = resultPair(runs);
  if (!sync?.summary || !none?.summary) return undefined;
  // Stopped, each at an operation of its own: not to be compared.
  if (sync.summary.operations !== none.summary.operations) return undefined;
  const end = saving(sync.summary.final.vmpte_kb, none.summary.final.vmpte_kb);
  return end !== 0 ? end : saving(sync.summary.peak.vmpte_kb, none.summary.peak.vmpte_kb);
}

const WORST_FIRST: readonly RunStatus[] = ["running", "queued", "failed", "interrupted", "cancelled", "done"];

/** One status for an experiment: that something runs first, then what went wrong. */
export function rowStatus(runs: readonly RunLike[]): RunStatus {
  return WORST_FIRST.find((status) => runs.some((run) => run.status === status)) ?? "done";
}

export const STATUS_WORDS: Readonly<Record<RunStatus, string>> = {
  queued: "waiting",
  running: "running",
  done: "done",
  cancelled: "cancelled",
  failed: "failed",
  interrupted: "interrupted",
};

/** The smallest and the largest saving of a sweep's points; undefined where no point has both modes. */
export function sweepSavings(
  runs: readonly (RunLike & { readonly label: string })[],
): readonly [number, number] | undefined {
  const labels = new Set(runs.map((run) => run.label));
  const savings = [...labels].flatMap((label) => rowSaving(runs.filter((run) => run.label === label)) ?? []);
  return savings.length === 0 ? undefined : [Math.min(...savings), Math.max(...savings)];
}
