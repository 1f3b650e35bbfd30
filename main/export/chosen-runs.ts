import type { StoredExperiment, StoredRun } from "../../db/records.ts";
import { BadInputError } from "../../engine/error.ts";

/** The runs of an experiment that are asked for, all where none is. Throws BadInputError where one is another experiment's. */
export function chosenRuns(experiment: StoredExperiment, ids: readonly number[] | undefined): readonly StoredRun[] {
  const stranger = ids?.find((id) => !experiment.runs.some((run) => run.id === id));
  if (stranger !== undefined)
    throw new BadInputError(`There is no run ${stranger}`, {
      where: `experiment ${experiment.id}`,
      why: `its runs are ${experiment.runs.map((run) => run.id).join(", ")}`,
      todo: "Name one of these, or none for all",
    });
  return ids === undefined ? experiment.runs : experiment.runs.filter((run) => ids.includes(run.id));
}
