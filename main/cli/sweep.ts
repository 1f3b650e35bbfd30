/** A sweep from the command line: one parameter, both modes, a row a value. */
import { BadInputError } from "../../engine/error.ts";
import { formatChange, formatCount, formatKb } from "../../engine/experiment/format.ts";
import { formatValueOf, type NumberParam, type ParamSpec, readParam } from "../../engine/experiment/params.ts";
import { SWEEP_POINTS_MAX, sweepValues } from "../../engine/experiment/sweep.ts";
import type { ParamValue } from "../../engine/experiment/types.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";
import type { Experiment } from "../contract.ts";
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
  readonly mode: "both" | "sync" | "none";
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

function valuesOf(spec: ParamSpec | undefined, options: SweepOptions): ParamValue[] {
  const { values, from, to, points, linear } = options;
  if (values !== undefined) return values.split(",").map((value) => value.trim());
  if (from === undefined || to === undefined)
    throw new BadInputError("A sweep needs its values", { todo: "Give --values A,B,C or --from A --to B" });
  // An unknown preset or parameter is named by the host.
  if (spec === undefined) return [from, to];
  if (spec.type === "choice")
    throw new BadInputError(`${spec.name} is a choice and has no range`, {
      todo: `Give --values ${spec.choices.map(({ value }) => value).join(",")}`,
    });
  if (points !== undefined && (points < 2 || points > SWEEP_POINTS_MAX))
    throw new BadInputError(`A sweep has 2 to ${SWEEP_POINTS_MAX} values`, {
      where: "--points",
      why: `${formatCount(points)} are asked for`,
      todo: "Each is two runs: take fewer, and look closer where it changes",
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

/** Per value, the run of each mode that was made last. */
function pointsOf(experiment: Experiment) {
  const parameter = experiment.sweep?.parameter ?? "";
  return (experiment.sweep?.values ?? []).map((value) => {
    const runs = experiment.runs.filter((run) => run.params[parameter] === value);
    return {
      value,
      sync: runs.findLast((run) => run.mode === "sync"),
      none: runs.findLast((run) => run.mode === "none"),
    };
  });
}

function sweepJson(experiment: Experiment) {
  const { id, workload, params, seed, sweep } = experiment;
  return {
    experiment: { id, workload, params, seed },
    parameter: sweep?.parameter,
    points: pointsOf(experiment).map(({ value, sync, none }) => ({
      value,
      runs: [sync, none]
        .filter((run) => run !== undefined)
        .map((run) => ({
          id: run.id,
          mode: run.mode,
          status: run.status,
          ...(run.reason === null ? {} : { reason: run.reason }),
          ...run.summary,
        })),
    })),
  };
}

function sweepText(experiment: Experiment, spec: ParamSpec | undefined): string {
  const header = [experiment.sweep?.parameter ?? "", "VmPTE at its peak, sync", "without", "", "reclaimed"];
  const rows = pointsOf(experiment).map(({ value, sync, none }) => {
    const [with_, without] = [sync?.summary, none?.summary];
    return [
      formatValueOf(spec, value),
      with_ ? formatKb(with_.peak.vmpte_kb) : (sync?.status ?? ""),
      without ? formatKb(without.peak.vmpte_kb) : (none?.status ?? ""),
      with_ && without ? formatChange(without.peak.vmpte_kb, with_.peak.vmpte_kb) : "",
      with_?.reclaimed_pte_tables == null ? "" : formatCount(with_.reclaimed_pte_tables),
    ];
  });
  return `${experiment.title} (experiment ${experiment.id})\n\n${table([header, ...rows], new Set([0, 1, 2, 3, 4]))}`;
}

export async function sweep(preset: string, options: SweepOptions): Promise<void> {
  const spec = findPreset(preset)?.params.find(({ name }) => name === options.param);
  const values = valuesOf(spec, options);
  const { param: parameter, set = {}, mode, seed, title } = options;
  await withLab(options, async (session) => {
    const start = () => session.ask("sweep.start", { preset, parameter, values, params: set, mode, seed, title });
    const { experiment, cut } = await runToEnd(session, start, showCount);
    if (options.json) printJson(sweepJson(experiment));
    else print(`${sweepText(experiment, spec)}\n\nSaved in ${session.where}.`);
    failures(experiment.runs).forEach(warn);
    if (cut) process.exitCode = 130;
    else if (experiment.runs.some((run) => run.status !== "done")) process.exitCode = 1;
  });
}
