import { describeProblem, type ImportReport } from "../../engine/workload/import/index.ts";

/** What an importer met and could not use, on stderr, a line a kind. */
export function printProblems(path: string, report: ImportReport): void {
  for (const problem of report.problems()) process.stderr.write(`reclaim-lab: ${path}: ${describeProblem(problem)}\n`);
}
