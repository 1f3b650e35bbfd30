import type { Experiment } from "../../main/contract.ts";

/** One point of a sweep as an experiment of its own; the whole experiment where there is no such point, or none is named. */
export function pointOf(experiment: Experiment, label: string | undefined): Experiment {
  if (label === undefined) return experiment;
  const runs = experiment.runs.filter((run) => run.label === label);
  const [first] = runs;
  if (!first) return experiment;
  return { ...experiment, runs, title: `${experiment.title}: ${label}`, params: first.params, sweep: null };
}
