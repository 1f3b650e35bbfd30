/** What the runs of an experiment are compared with in its exports. */
import type { StoredRun } from "../../db/records.ts";
import { baselineRun, compareRuns, type Saving } from "../../engine/experiment/compare-runs.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";

export interface Against {
  /** Of the baseline's policy, the run's own source and, in a sweep, its own value; the run itself where it is the baseline. */
  readonly base: StoredRun;
  /** Null for the baseline, and where nothing can be compared. */
  readonly saving: Saving | null;
}

/** Each run beside its baseline: the last that was made, of the chosen policy where there is one of it, else of the default one. */
export function against(runs: readonly StoredRun[], chosen?: PolicyId): ReadonlyMap<number, Against> {
  const found = new Map<number, Against>();
  for (const group of Map.groupBy(runs, ({ source, label }) => `${source} ${label}`).values()) {
    const base = baselineRun(group.toReversed(), chosen);
    if (base === undefined) continue;
    for (const { run, saving } of compareRuns(group, base.id, []).runs) found.set(run.id, { base, saving });
  }
  return found;
}
