/** A program with its releases changed, beside the program as it is, as `run --what-if` prints it. */
import { formatChange, formatCount, formatKb } from "../../engine/experiment/format.ts";
import {
  WHAT_IF_SIZES,
  type WhatIf,
  type WhatIfOutcome,
  whatIfOutcome,
  whatIfSentence,
  whatIfWord,
} from "../../engine/experiment/what-if.ts";
import { policyPhrase } from "../../engine/experiment/words.ts";
import type { Experiment, Run } from "../contract.ts";
import { table } from "./print.ts";

export interface ChangedExperiment {
  readonly change: WhatIf;
  readonly experiment: Experiment;
}

function outcomeUnder({ mode }: Run, asItIs: Experiment, changed: Experiment): WhatIfOutcome | null {
  const of = (experiment: Experiment) =>
    experiment.runs.find((run) => run.mode === mode && run.source === "model")?.summary ?? null;
  return whatIfOutcome(of(asItIs), of(changed));
}

/** What `run --json` has beside the unchanged program: one entry a change. */
export function whatIfJson(asItIs: Experiment, changed: readonly ChangedExperiment[]) {
  if (changed.length === 0) return {};
  return {
    what_if: changed.map(({ change, experiment }) => ({
      change: whatIfWord(change),
      experiment: { id: experiment.id },
      runs: experiment.runs.map((run) => ({
        id: run.id,
        mode: run.mode,
        status: run.status,
        ...run.summary,
        against_as_it_is: outcomeUnder(run, asItIs, experiment),
      })),
    })),
  };
}

/** A table under each policy, and each change in a sentence. */
export function whatIfText(asItIs: Experiment, changed: readonly ChangedExperiment[]): string[] {
  if (changed.length === 0) return [];
  return asItIs.runs
    .filter(({ source }) => source === "model")
    .flatMap((run) => {
      const outcomes = changed.flatMap(({ change, experiment }) => {
        const outcome = outcomeUnder(run, asItIs, experiment);
        return outcome === null ? [] : [{ change, outcome }];
      });
      const [first] = outcomes;
      if (first === undefined) return [];
      const rows = WHAT_IF_SIZES.map(({ label, of }) => [
        label,
        formatKb(of(first.outcome).as_it_is),
        ...outcomes.flatMap(({ outcome }) => {
          const { as_it_is, changed } = of(outcome);
          return [formatKb(changed), formatChange(as_it_is, changed)];
        }),
      ]);
      const calls = [
        "MADV_DONTNEED calls",
        formatCount(first.outcome.releases.as_it_is),
        ...outcomes.flatMap(({ outcome }) => [formatCount(outcome.releases.changed), ""]),
      ];
      const heads = ["", "as it is", ...outcomes.flatMap(({ change }) => [whatIfWord(change), ""])];
      return [
        "",
        `With its releases changed, ${policyPhrase(run.mode)}:`,
        table([heads, ...rows, calls], new Set(heads.map((_, i) => i).slice(1))),
        ...outcomes.map(({ change, outcome }) => whatIfSentence(change, outcome)),
      ];
    });
}
