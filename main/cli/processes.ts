/** The processes of a service, as `run` and `show` print them: a row each, under each run. */
import { formatCount, formatKb } from "../../engine/experiment/format.ts";
import type { ProcessFigures } from "../../engine/experiment/types.ts";
import { runWord } from "../../engine/experiment/words.ts";
import type { Run } from "../contract.ts";
import { table } from "./print.ts";

/** So many are printed; `--json` has more. */
const PRINTED_MAX = 15;

/** The table, the processes with the largest peaks first; nothing for runs of one process. */
export function processesText(runs: readonly Run[]): string[] {
  const [first] = runs.flatMap(({ summary }) => summary?.processes ?? []);
  if (first === undefined) return [];
  const byNumber = runs.map(
    ({ summary }) => new Map(summary?.processes?.largest.map((each) => [each.process, each] as const)),
  );
  const cells = (show: (figures: ProcessFigures) => number, process: number): string[] =>
    byNumber.map((figures) => {
      const found = figures.get(process);
      return found === undefined ? "" : formatKb(show(found));
    });
  const rows = first.largest
    .slice(0, PRINTED_MAX)
    .map(({ process, pid, comm, lives }) => [
      pid === 0 ? `number ${process}` : String(pid),
      comm,
      ...cells((each) => each.peak_vmpte_kb, process),
      ...cells((each) => each.average_vmpte_kb, process),
      ...(lives ? cells((each) => each.final_vmpte_kb, process) : runs.map(() => "ended")),
    ]);
  const heads = ["peak", "average", "at the end"].flatMap((what) => runs.map((run) => `${what}, ${runWord(run)}`));
  const left = first.all - rows.length;
  return [
    "",
    `VmPTE of each of ${formatCount(first.all)} processes; the numbers above are their sums.`,
    table([["pid", "name", ...heads], ...rows], new Set([0, ...heads.map((_, i) => i + 2)])),
    ...(left > 0 ? [`... and ${formatCount(left)} smaller ones`] : []),
  ];
}
