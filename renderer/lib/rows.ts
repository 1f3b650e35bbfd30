import type { RunStatus } from "../../engine/experiment/types.ts";

const WORST_FIRST: readonly RunStatus[] = ["running", "queued", "failed", "interrupted", "cancelled", "done"];

/** One status for an experiment: that something runs first, then what went wrong. */
export function rowStatus(runs: readonly { readonly status: RunStatus }[]): RunStatus {
  return WORST_FIRST.find((status) => runs.some((run) => run.status === status)) ?? "done";
}
