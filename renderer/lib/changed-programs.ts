/** A program as it is, and what was made of it with its releases changed, out of all experiments of it. */
import { parseWhatIf, type WhatIf, whatIfWord } from "../../engine/experiment/what-if.ts";
import type { Experiment } from "../../main/contract.ts";

export interface ChangedProgram {
  readonly change: WhatIf;
  readonly experiment: Experiment;
}

/** What an experiment's parameter says of its releases; null: they are as they are, or it says what nobody knows. */
function changeOf({ params }: Experiment): WhatIf | null {
  try {
    return typeof params.what_if === "string" ? parseWhatIf(params.what_if) : null;
  } catch {
    return null;
  }
}

/** Merged first, by how long; whole last. */
const rank = (change: WhatIf): number => (change.kind === "coalesce" ? change.ms : Number.POSITIVE_INFINITY);

/**
 * `shown`: the one that is looked at, which stands for its like; of others the newest does. `all`: the oldest first. What was
 * changed in a way that is not known here is left out.
 */
export function changedPrograms(
  all: readonly Experiment[],
  shown: number,
): { readonly asItIs: Experiment | undefined; readonly changed: readonly ChangedProgram[] } {
  const byPreference = [...all.filter(({ id }) => id !== shown), ...all.filter(({ id }) => id === shown)];
  const unchanged = byPreference.filter(({ params }) => params.what_if === undefined);
  const newest = new Map<string, ChangedProgram>();
  for (const experiment of byPreference) {
    const change = changeOf(experiment);
    if (change) newest.set(whatIfWord(change), { change, experiment });
  }
  return {
    asItIs: unchanged.at(-1),
    changed: [...newest.values()].sort((a, b) => rank(a.change) - rank(b.change)),
  };
}
