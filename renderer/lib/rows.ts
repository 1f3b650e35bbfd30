import { type ComparableRun, savingsOf } from "../../engine/experiment/compare-runs.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import type { RunStatus } from "../../engine/experiment/types.ts";

interface RunLike extends Omit<ComparableRun, "last" | "peak"> {
  readonly label: string;
  readonly status: RunStatus;
}

/**
 * The least and the most that is saved: of an experiment by its best policy (both alike), of a sweep over its points;
 * undefined where nothing is compared.
 */
export function rowSavings(
  runs: readonly RunLike[],
  baseline: PolicyId | undefined,
): readonly [number, number] | undefined {
  const points = [...Map.groupBy(runs, (run) => run.label).values()];
  const best = points.flatMap((point) => savingsOf(point, baseline)?.best ?? []);
  return best.length === 0 ? undefined : [Math.min(...best), Math.max(...best)];
}

const WORST_FIRST: readonly RunStatus[] = ["running", "queued", "failed", "interrupted", "cancelled", "done"];

/** One status for an experiment: that something runs first, then what went wrong. */
export function rowStatus(runs: readonly Pick<RunLike, "status">[]): RunStatus {
  return WORST_FIRST.find((status) => runs.some((run) => run.status === status)) ?? "done";
}
