/** What is seen of an experiment's chart: the choice that window, command line and exports share. */
import { type Figure, METRICS, type Metric, metricById } from "../engine/experiment/figures.ts";
import type { PolicyId } from "../engine/experiment/policies.ts";
import type { Params, RunSummary } from "../engine/experiment/types.ts";
import { axisTitle, formatAxis } from "./axes.ts";
import type { Axis } from "./axis.ts";
import { clockOf, type RunSeries } from "./series.ts";

/** Part of an axis, in its own unit: operations, or nanoseconds. */
export interface AxisRange {
  readonly min: number;
  readonly max: number;
}

/** What is absent is not chosen: VmPTE, operations, the whole axis, all runs. */
export interface ChartView {
  readonly metric?: Metric["id"] | undefined;
  readonly axis?: Axis | undefined;
  readonly range?: AxisRange | undefined;
  /** Ids of the runs that are drawn. */
  readonly runs?: number[] | undefined;
  /** Of a sweep: what is drawn against the parameter. */
  readonly figure?: Figure["id"] | undefined;
  /** What the others are compared with, in words beside the chart. */
  readonly baseline?: PolicyId | undefined;
}

export const metricOf = (view: ChartView): Metric => metricById(view.metric ?? "") ?? METRICS[0];
export const axisOf = (view: ChartView): Axis => view.axis ?? "operations";

/** What of an experiment tells whose time its samples have. */
interface Timed {
  readonly workloadKind: "preset" | "file" | "program" | "live";
  readonly params: Params;
  readonly runs: readonly { readonly summary: Pick<RunSummary, "program_ns"> | null }[];
}

/** Does its time come from a program that ran, and not from the cost model? */
export function hasClock({ workloadKind, params, runs }: Timed): boolean {
  if (workloadKind === "preset") return false;
  // Of a trace the process is known before its first sample; a workload file may have been one.
  return (
    workloadKind !== "file" ||
    params.pid !== undefined ||
    params.processes !== undefined ||
    runs.some(({ summary }) => summary?.program_ns !== undefined)
  );
}

/** Programs go by their clock, workloads by their operations. */
export const defaultAxis = (experiment: Timed): Axis => (hasClock(experiment) ? "time" : "operations");

/** "RSS over simulated time, 1.2 s to 3 s of 12 s; 2 of 3 runs". `whole`: all of the axis. */
export function viewWords(
  view: ChartView,
  series: readonly Pick<RunSeries, "source" | "programClock">[],
  whole: AxisRange,
  runs: number,
): string {
  const axis = axisOf(view);
  const words = `${metricOf(view).label} over ${axisTitle(axis, series.map(clockOf))}`;
  const part = view.range
    ? `, ${formatAxis(Math.round(view.range.min), axis)} to ${formatAxis(Math.round(view.range.max), axis)} of ${formatAxis(whole.max, axis)}`
    : "";
  return `${words}${part}${series.length < runs ? `; ${series.length} of ${runs} runs` : ""}`;
}
