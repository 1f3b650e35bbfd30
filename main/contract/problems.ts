/** What of an experiment is stored in a way that cannot be read, and which part of it it is of. */

interface Part {
  readonly problem?: string;
}

/** A sentence a part; none where all is valid. */
export function problemsOf(
  experiment: Part & { readonly runs: readonly (Part & { readonly id: number })[] },
): string[] {
  const own = experiment.problem === undefined ? [] : [`The experiment: ${experiment.problem}`];
  return [
    ...own,
    ...experiment.runs.flatMap(({ id, problem }) => (problem === undefined ? [] : [`Run ${id}: ${problem}`])),
  ];
}
