/** Experiments side by side: each run against the run of the same policy and source of the baseline, and the parameters that differ. */

import { BadInputError } from "../../engine/error.ts";
import {
  COMPARED_MAX,
  compareRuns,
  type DifferingParam,
  differingParams,
  type FigureCell,
  type FigureRow,
  NOT_KNOWN,
} from "../../engine/experiment/compare-runs.ts";
import { FIGURES, type Figure } from "../../engine/experiment/figures.ts";
import { formatPercent, formatValue } from "../../engine/experiment/format.ts";
import { paramNamed } from "../../engine/experiment/knobs.ts";
import { formatValueOf, type ParamSpec, readParam } from "../../engine/experiment/params.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import type { Params, ParamValue } from "../../engine/experiment/types.ts";
import { policyWord, runWord } from "../../engine/experiment/words.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";
import type { Experiment, Run } from "../contract.ts";
import { requireBaseline } from "./policy-option.ts";
import { print, printJson, table } from "./print.ts";
import { type DbOption, type Session, withLab } from "./session.ts";

/** What is compared: an experiment, or one point of a sweep. */
export interface Comparand {
  readonly id: number;
  /** The swept parameter's value as it was typed; null for an experiment that is no sweep. */
  readonly point: string | null;
}

/** A comparand as it was found in the history. */
interface Loaded {
  readonly experiment: Experiment;
  /** "3", or "3@64K". */
  readonly label: string;
  readonly params: Params;
  readonly runs: readonly Run[];
}

function specOf(experiment: Experiment, name: string): ParamSpec | undefined {
  const preset = experiment.workloadKind === "preset" ? findPreset(experiment.workload) : undefined;
  return paramNamed(preset?.params ?? [], name);
}

/** The value of a sweep that `text` means: "64K", "64k" and "65536" are the same. */
function pointNamed(experiment: Experiment, sweep: NonNullable<Experiment["sweep"]>, text: string | null): ParamValue {
  const spec = specOf(experiment, sweep.parameter);
  const read = spec === undefined || text === null ? null : readParam(spec, text);
  const meant = read !== null && "value" in read ? read.value : text;
  const found = sweep.values.find((value) => value === meant);
  if (found !== undefined) return found;
  const values = sweep.values.map((value) => formatValueOf(spec, value));
  const why =
    text === null ? "is a sweep: say which of its points is meant" : `has no point ${sweep.parameter} ${text}`;
  throw new BadInputError(`Experiment ${experiment.id} ${why}`, {
    todo: `Write ${experiment.id}@${values.at(-1)}; its points are ${values.join(", ")}`,
  });
}

async function load(session: Session, { id, point }: Comparand): Promise<Loaded> {
  const experiment = await session.ask("experiment.get", { id });
  const { sweep, params, runs } = experiment;
  if (sweep === null) {
    if (point === null) return { experiment, label: String(id), params, runs };
    throw new BadInputError(`Experiment ${id} is not a sweep and has no points`, { todo: `Write ${id} alone` });
  }
  const value = pointNamed(experiment, sweep, point);
  return {
    experiment,
    label: `${id}@${formatValueOf(specOf(experiment, sweep.parameter), value)}`,
    params: { ...params, [sweep.parameter]: value },
    runs: runs.filter((run) => run.params[sweep.parameter] === value),
  };
}

function findRun(runs: readonly Run[], like: Run): Run | undefined {
  return runs.findLast((run) => run.mode === like.mode && run.source === like.source);
}

/** The runs of one policy and source, one an experiment, each against the first experiment's. */
function likeWithLike(loaded: readonly Loaded[], like: Run): readonly FigureRow[] {
  const { mode, source } = like;
  const runs = loaded.map(({ runs }, id) => ({ id, mode, source, summary: findRun(runs, like)?.summary ?? null }));
  return compareRuns(runs, 0).rows;
}

/** The same runs, each against the run of the baseline's policy and of the same source in its own experiment. */
function withOwnBaseline(loaded: readonly Loaded[], like: Run, mode: PolicyId): readonly FigureRow[] {
  const columns = loaded.map(({ runs }) => {
    const run = findRun(runs, like);
    const base = findRun(runs, { ...like, mode });
    if (run === undefined) return new Map<Figure, FigureCell>();
    const { rows } = compareRuns(base === undefined || base === run ? [run] : [base, run], (base ?? run).id);
    return new Map(rows.map(({ figure, cells }) => [figure, cells.at(-1) ?? NOT_KNOWN]));
  });
  return FIGURES.filter((figure) => columns.some((column) => column.has(figure))).map((figure) => ({
    figure,
    cells: columns.map((column) => column.get(figure) ?? NOT_KNOWN),
  }));
}

/** Parameters, workload and seed that are not the same in all; values are null where an experiment has none such. */
function differing(loaded: readonly Loaded[]): DifferingParam[] {
  const workloads = loaded.map(({ experiment }) => experiment.workload);
  const rows = differingParams(loaded.map(({ experiment, params }) => ({ params, seed: experiment.seed })));
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

export async function compare(
  named: readonly Comparand[],
  options: DbOption & { readonly json?: boolean; readonly baseline?: PolicyId },
): Promise<void> {
  const what = new Set(named.map(({ id, point }) => `${id}@${point ?? ""}`));
  if (what.size < 2 || what.size < named.length || named.length > COMPARED_MAX)
    throw new BadInputError(`It takes 2 to ${COMPARED_MAX} different experiments to compare`, {
      todo: "`list` shows their ids",
    });
  await withLab(options, async (session) => {
    const loaded: Loaded[] = [];
    for (const comparand of named) loaded.push(await load(session, comparand));
    const [baseline] = loaded;
    const { baseline: chosen } = options;
    if (chosen !== undefined) for (const { experiment } of loaded) requireBaseline(chosen, experiment);
    const sections = baseline.runs.map((like) => ({
      like,
      rows: chosen === undefined ? likeWithLike(loaded, like) : withOwnBaseline(loaded, like, chosen),
    }));
    if (options.json) {
      return printJson({
        baseline: chosen ?? baseline.experiment.id,
        experiments: loaded.map(({ experiment: { id, title, seed }, params }) => ({ id, title, params, seed })),
        differing: differing(loaded).map(({ name, values }) => ({
          name,
          values: values.map((value) => String(value ?? "")),
        })),
        runs: sections.map(({ like, rows }) => ({
          run: `${like.source} ${like.mode}`,
          measures: rows.map(({ figure, cells }) => ({
            name: nameOf(figure),
            values: cells.map(({ value }) => value),
            differences: cells.map(({ difference }) => difference),
            directions: cells.map(({ direction }) => direction),
          })),
        })),
      });
    }
    for (const { label, experiment } of loaded) print(`${label}: ${experiment.title}`);
    print(
      chosen === undefined
        ? `\nCompared with ${baseline.label}: each run with that of its policy there.`
        : `\nCompared with ${policyWord(chosen)}: each run with that of its own experiment.`,
    );
    const rows: string[][] = [["", ...loaded.map(({ label }) => `#${label}`)]];
    for (const { name, values } of differing(loaded))
      rows.push([
        name,
        ...values.map((value, i) => (value === null ? "" : formatValueOf(specOf(loaded[i].experiment, name), value))),
      ]);
    for (const { like, rows: measured } of sections) {
      rows.push([""], [runWord(like, true)]);
      for (const { figure, cells } of measured)
        rows.push([`  ${figure.label}`, ...cells.map((cell) => cellText(cell, figure.unit))]);
    }
    print(`\n${table(rows, new Set(loaded.map((_, i) => i + 1)))}`);
  });
}
