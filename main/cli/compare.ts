/** Experiments side by side: each run against the same mode's run of the baseline, and the parameters that differ. */
import { compareFigures, differingParams, type Figure, type FigureCell } from "../../chart/compare.ts";
import { formatPercent, formatValue } from "../../chart/format.ts";
import { BadInputError } from "../../engine/error.ts";
import type { Experiment, Run } from "../contract.ts";
import { print, printJson, table } from "./print.ts";
import { type DbOption, type Session, withLab } from "./session.ts";

function runLabel(run: Run): string {
  return `${run.source} ${run.mode}`;
}

function findRun(experiment: Experiment | undefined, like: Run): Run | undefined {
  return experiment?.runs.find((run) => run.mode === like.mode && run.source === like.source);
}

/** Parameters, workload and seed that are not the same in all. */
function differing(experiments: readonly Experiment[]): { name: string; values: string[] }[] {
  const workloads = experiments.map(({ workload }) => workload);
  const rows = differingParams(experiments).map(({ name, values }) => ({
    name,
    values: values.map((value) => String(value ?? "")),
  }));
  return new Set(workloads).size > 1 ? [{ name: "workload", values: workloads }, ...rows] : rows;
}

/** Column names carry their unit. */
function nameOf({ id, unit }: Figure): string {
  return unit === "count" ? id : `${id}_${unit}`;
}

/** "102,640 kB (99.8 % less, better)". */
function cellText({ value, difference, share, direction }: FigureCell, unit: Figure["unit"]): string {
  if (value === null) return "";
  const shown = formatValue(value, unit);
  if (difference === null) return shown;
  if (difference === 0) return `${shown} (the same)`;
  const size = share === null ? formatValue(Math.abs(difference), unit) : formatPercent(Math.abs(share));
  const judged = direction === "better" || direction === "worse" ? `, ${direction}` : "";
  return `${shown} (${size} ${difference < 0 ? "less" : "more"}${judged})`;
}

async function load(session: Session, ids: readonly number[]): Promise<Experiment[]> {
  const experiments: Experiment[] = [];
  for (const id of ids) experiments.push(await session.ask("experiment.get", { id }));
  return experiments;
}

export async function compare(ids: readonly number[], options: DbOption & { readonly json?: boolean }): Promise<void> {
  if (new Set(ids).size < 2 || ids.length > 8)
    throw new BadInputError("It takes 2 to 8 different experiments to compare", { todo: "`list` shows their ids" });
  await withLab(options, async (session) => {
    const experiments = await load(session, ids);
    const [baseline] = experiments;
    const runs = experiments[0]?.runs ?? [];
    const sections = runs.map((like) => ({
      run: runLabel(like),
      rows: compareFigures(
        experiments.map((experiment) => ({ summary: findRun(experiment, like)?.summary ?? null })),
        0,
      ),
    }));
    if (options.json) {
      return printJson({
        baseline: baseline?.id,
        experiments: experiments.map(({ id, title, params, seed }) => ({ id, title, params, seed })),
        differing: differing(experiments),
        runs: sections.map(({ run, rows }) => ({
          run,
          measures: rows.map(({ figure, cells }) => ({
            name: nameOf(figure),
            values: cells.map(({ value }) => value),
            differences: cells.map(({ difference }) => difference),
            directions: cells.map(({ direction }) => direction),
          })),
        })),
      });
    }
    for (const experiment of experiments) print(`${experiment.id}: ${experiment.title}`);
    const rows: string[][] = [["", ...experiments.map(({ id }) => `#${id}`)]];
    for (const { name, values } of differing(experiments)) rows.push([name, ...values]);
    for (const { run, rows: measured } of sections) {
      rows.push([""], [run]);
      for (const { figure, cells } of measured)
        rows.push([`  ${figure.label}`, ...cells.map((cell) => cellText(cell, figure.unit))]);
    }
    print(`\n${table(rows, new Set(experiments.map((_, i) => i + 1)))}`);
  });
}
