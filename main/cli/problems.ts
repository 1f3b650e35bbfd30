import { describeProblem, type ImportReport } from "../../engine/workload/import/index.ts";
import { warn } from "./print.ts";

/** What an importer met and could not use, on stderr, a line a kind. */
export function printProblems(path: string, report: ImportReport): void {
  for (const problem of report.problems()) warn(`${path}: ${describeProblem(problem)}`);
}
