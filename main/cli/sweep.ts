/** A sweep from the command line: one parameter, a column a policy, a row a value. */
import { SWEEP_FIGURE } from "../../chart/sweep-chart.ts";
import {
  figureAt,
  runAt,
  savedAt,
  sweepBaseline,
  sweepPoints,
  sweepPolicies,
  sweepSentence,
} from "../../chart/sweep-points.ts";
import { BadInputError } from "../../engine/error.ts";
import { formatCount, formatValue } from "../../engine/experiment/format.ts";
import { paramNamed, withoutKnobs } from "../../engine/experiment/knobs.ts";
import { formatValueOf, type NumberParam, type ParamSpec, readParam } from "../../engine/experiment/params.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import { plainSentence, savingWords } from "../../engine/experiment/sentence.ts";
import { SWEEP_POINTS_MAX, sweepValues } from "../../engine/experiment/sweep.ts";
import type { ParamValue } from "../../engine/experiment/types.ts";
import { policyWord } from "../../engine/experiment/words.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";
import type { Experiment } from "../contract.ts";
import { requireNone } from "./effect.ts";
import { requireBaselineAmong } from "./policy-option.ts";
import { print, printJson, table, warn } from "./print.ts";
import { failures } from "./report.ts";
import { runToEnd, type Show } from "./run-to-end.ts";
import { type DbOption, withLab } from "./session.ts";

interface SweepOptions extends DbOption {
  readonly param: string;
  readonly values?: string;
  readonly from?: string;
  readonly to?: string;
  readonly points?: number;
  readonly linear?: boolean;
  readonly mode: PolicyId[];
  readonly baseline?: PolicyId;
  readonly set?: Readonly<Record<string, string>>;
  readonly seed?: number;
  readonly title?: string;
  readonly json?: boolean;
}

/** One bound of a range, as a number. */
function bound(spec: NumberParam, option: string, text: string): number {
  const read = readParam(spec, text);
  if ("problem" in read) throw new BadInputError(read.problem, { where: option });
  return Number(read.value);
}

/** The values that were listed: at least two, each once however it is written. */
function listed(spec: ParamSpec | undefined, text: string): string[] {
  const values = text.split(",").map((value) => value.trim());
  const where = "--values";
  if (values.length < 2) throw new BadInputError("A sweep needs at least two values", { where });
  const seen = new Set<ParamValue>();
  for (const value of values) {
    const read = spec === undefined ? { value } : readParam(spec, value);
    if (!("value" in read)) continue; // The host names it.
    if (seen.has(read.value))
      throw new BadInputError(`${value} is there twice`, { where, todo: "Give each value once" });
    seen.add(read.value);
  }
  return values;
}

function valuesOf(spec: ParamSpec | undefined, options: SweepOptions): ParamValue[] {
  const { values, from, to, points, linear } = options;
  if (values !== undefined) {
    const range = { "--from": from, "--to": to, "--points": points, "--linear": linear };
    requireNone(range, "with --values", "Give --values A,B,C or --from A --to B");
    return listed(spec, values);
  }
  if (from === undefined || to === undefined)
    throw new BadInputError("A sweep needs values", { todo: "Give --values A,B,C or --from A --to B" });
  // An unknown preset or parameter is named by the host.
  if (spec === undefined) return [from, to];
  if (spec.type === "choice")
    throw new BadInputError(`${spec.name} is a choice and has no range`, {
      todo: `Give --values ${spec.choices.map(({ value }) => value).join(",")}`,
    });
  if (points !== undefined && (points < 2 || points > SWEEP_POINTS_MAX))
    throw new BadInputError(`A sweep has 2 to ${SWEEP_POINTS_MAX} values`, {
      where: "--points",
      why: `${formatCount(points)} were requested`,
      todo: "Each value is a run under every policy: use fewer, then look closer where it changes",
    });
  const scale = linear ? "linear" : "log";
  return sweepValues(spec, { from: bound(spec, "--from", from), to: bound(spec, "--to", to), points, scale });
}

const showCount: Show = async (session, { runs }) => {
  let done = 0;
  const say = () => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${runs.length} runs done `);
  };
  session.on("run.ended", () => {
    done++;
    say();
  });
  say();
  return () => {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  };
};

function pointsOf({ runs, sweep }: Experiment) {
  return sweepPoints(runs, sweep?.parameter ?? "", sweep?.values ?? []);
}

function sweepJson(experiment: Experiment, chosen: PolicyId | undefined) {
  const { id, workload, params, seed, sweep } = experiment;
  const points = pointsOf(experiment);
  const baseline = sweepBaseline(points, chosen);
  return {
    experiment: { id, workload, params, seed },
    parameter: sweep?.parameter,
    baseline: baseline ?? null,
    points: points.map((point) => {
      const saved = savedAt(point, SWEEP_FIGURE, baseline);
      return {
        value: point.value,
        runs: point.runs.map((run) => ({
          id: run.id,
          mode: run.mode,
          status: run.status,
          ...(run.reason === null ? {} : { reason: run.reason }),
          ...run.summary,
          saved_peak_share: saved.get(run.mode) ?? null,
        })),
      };
    }),
  };
}

/** A row for each value of the sweep, and what it shows in words. */
export function sweepText(experiment: Experiment, chosen: PolicyId | undefined): string {
  const spec = paramNamed(findPreset(experiment.workload)?.params ?? [], experiment.sweep?.parameter ?? "");
  const points = pointsOf(experiment);
  const policies = sweepPolicies(points);
  const baseline = sweepBaseline(points, chosen);
  const header = [
    experiment.sweep?.parameter ?? "",
    ...policies.flatMap((mode) => (mode === baseline ? [policyWord(mode)] : [policyWord(mode), ""])),
  ];
  const rows = points.map((point) => {
    const saved = savedAt(point, SWEEP_FIGURE, baseline);
    return [
      formatValueOf(spec, point.value),
      ...policies.flatMap((mode) => {
        const value = figureAt(point, mode, SWEEP_FIGURE);
        const shown = value === null ? (runAt(point, mode)?.status ?? "") : formatValue(value, SWEEP_FIGURE.unit);
        const share = saved.get(mode);
        return mode === baseline ? [shown] : [shown, share === undefined ? "" : savingWords(share)];
      }),
    ];
  });
  const words = (value: ParamValue) => `${experiment.sweep?.parameter} ${formatValueOf(spec, value)}`;
  const sentence = plainSentence(sweepSentence(points, SWEEP_FIGURE, words, chosen));
  return [
    `${experiment.title} (experiment ${experiment.id})`,
    "",
    SWEEP_FIGURE.label,
    table([header, ...rows], new Set(header.keys())),
    ...(sentence === "" ? [] : ["", sentence]),
  ].join("\n");
}

export async function sweep(preset: string, options: SweepOptions): Promise<void> {
  const spec = paramNamed(findPreset(preset)?.params ?? [], options.param);
  const values = valuesOf(spec, options);
  requireBaselineAmong(options.baseline, options.mode, "--mode names");
  const { param: parameter, set = {}, mode, seed, title } = options;
  await withLab(options, async (session) => {
    const { own, knobs } = withoutKnobs(set);
    const asked = { preset, parameter, values, params: { ...own }, knobs: { ...knobs }, mode, seed, title };
    const start = () => session.ask("sweep.start", asked);
    const { experiment, cut } = await runToEnd(session, start, showCount);
    if (options.json) printJson(sweepJson(experiment, options.baseline));
    else print(`${sweepText(experiment, options.baseline)}\n\nSaved in ${session.where}.`);
    failures(experiment.runs).forEach(warn);
    if (cut) process.exitCode = 130;
    else if (experiment.runs.some((run) => run.status !== "done")) process.exitCode = 1;
  });
}
