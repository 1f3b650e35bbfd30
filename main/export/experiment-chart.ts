/** The chart of a stored experiment, as the exports hold it. */

import type { Scale } from "../../chart/axes.ts";
import { AXIS_COLUMN } from "../../chart/axis.ts";
import { bigReleases } from "../../chart/big-releases.ts";
import { PALETTES, type Theme } from "../../chart/palette.ts";
import { thin } from "../../chart/points.ts";
import { runChart } from "../../chart/run-chart.ts";
import type { RunSeries } from "../../chart/series.ts";
import { SWEEP_FIGURE, sweepChart } from "../../chart/sweep-chart.ts";
import { type AxisRange, axisOf, type ChartView, hasClock, metricOf, viewWords } from "../../chart/view.ts";
import type { StoredExperiment, StoredRun } from "../../db/records.ts";
import { BadInputError } from "../../engine/error.ts";
import { FIGURES, type Figure } from "../../engine/experiment/figures.ts";
import type { SampleColumn } from "../../engine/experiment/types.ts";
import { chosenRuns } from "./chosen-runs.ts";
import type { ReadSamples } from "./csv.ts";
import { originWords, resultWords, setupWords, sweepOf } from "./describe.ts";
import { pictureFont } from "./fonts.ts";
import type { LineChart } from "./picture.ts";

export interface ChartLook {
  readonly theme: Theme;
  readonly scale: Scale;
  readonly view: ChartView;
}

/** What a chart is drawn from. */
export interface ChartRuns {
  readonly runs: readonly StoredRun[];
  readonly series: readonly RunSeries[];
  /** All of the axis, whatever part of it is seen. */
  readonly whole: AxisRange;
  /** The part that is seen, within all of it. */
  readonly range: AxisRange | undefined;
}

const POINTS = 2400;
const NOWHERE: AxisRange = { min: 0, max: 1 };
const LINE_CHARACTERS_MAX = 150;
const MARK_COLUMNS: readonly SampleColumn[] = [
  "tables_freed",
  "tables_rcu_pending",
  "rss_kb",
  "vmpte_kb",
  "operations",
];

/** The runs of a view as lines (all of a sweep has none); only the part and the columns that the chart needs are kept. */
export function chartRuns(experiment: StoredExperiment, samplesOf: ReadSamples, view: ChartView): ChartRuns {
  const runs = chosenRuns(experiment, view.runs);
  if (isSweepAsWhole(experiment, view)) return { runs, series: [], whole: NOWHERE, range: undefined };
  const column = AXIS_COLUMN[axisOf(view)];
  const metric = metricOf(view);
  const columns = [...new Set([column, ...metric.columns, ...MARK_COLUMNS])];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const programClock = hasClock(experiment);
  const series = runs.flatMap((run): RunSeries[] => {
    const samples = samplesOf(run.id, { columns });
    const xs = samples.columns[column];
    // What was only read by the clock counts no operations.
    if (xs && Number.isNaN(xs[0] ?? 0)) return [];
    if (xs && samples.count > 0) [min, max] = [Math.min(min, xs[0]), Math.max(max, xs[samples.count - 1])];
    return [
      {
        key: String(run.id),
        mode: run.mode,
        source: run.source,
        label: labelsOf(runs) > 1 ? run.label : "",
        samples: thin(samples, POINTS, metric, view.range && { column, ...view.range }),
        events: run.summary?.events ?? [],
        releases: bigReleases(samples, axisOf(view)),
        programClock,
      },
    ];
  });
  const whole = min <= max ? { min, max } : NOWHERE;
  return { runs, series, whole, range: view.range && within(view.range, whole, experiment.id) };
}

/** Throws BadInputError where no run has anything in the range. */
function within(range: AxisRange, whole: AxisRange, id: number): AxisRange {
  const part = { min: Math.max(range.min, whole.min), max: Math.min(range.max, whole.max) };
  if (part.min < part.max) return part;
  throw new BadInputError("There is nothing to draw in this range", {
    where: `experiment ${id}`,
    why: `its runs go from ${whole.min} to ${whole.max}`,
    todo: "Choose a part of that",
  });
}

const labelsOf = (runs: readonly StoredRun[]): number => new Set(runs.map((run) => run.label)).size;

/** A sweep is drawn against its parameter unless some of its runs are asked for. */
const isSweepAsWhole = (experiment: StoredExperiment, { runs }: ChartView): boolean =>
  runs === undefined && sweepOf(experiment) !== null;

export function shortened(text: string): string {
  return text.length <= LINE_CHARACTERS_MAX ? text : `${text.slice(0, LINE_CHARACTERS_MAX - 1)}…`;
}

/** The result is what the picture is for: as many lines as it needs. */
export function wrapped(text: string): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > LINE_CHARACTERS_MAX) {
    const at = rest.lastIndexOf(" ", LINE_CHARACTERS_MAX);
    if (at <= 0) break;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at + 1);
  }
  return [...lines, rest];
}

/** "RSS over simulated time, 1.2 s to 3 s of 12 s"; of all of a sweep, "VmPTE at the peak against size". */
export function shownWords(experiment: StoredExperiment, { series, whole, range }: ChartRuns, view: ChartView): string {
  const sweep = isSweepAsWhole(experiment, view) ? sweepOf(experiment) : null;
  if (sweep) return `${sweepFigure(view).label} against ${sweep.parameter}`;
  return viewWords({ ...view, range }, series, whole, experiment.runs.length);
}

const sweepFigure = (view: ChartView): Figure => FIGURES.find(({ id }) => id === view.figure) ?? SWEEP_FIGURE;

/** `standalone`: with title, result, setup and origin around it, and a margin; otherwise the page says all that. */
export function experimentChart(
  experiment: StoredExperiment,
  drawn: ChartRuns,
  { theme, scale, view }: ChartLook,
  standalone = true,
): LineChart {
  const { runs, series, range } = drawn;
  const shared = { palette: PALETTES[theme], font: pictureFont(), scale, yTitle: true };
  const label = labelsOf(runs) === 1 ? (runs[0]?.label ?? "") : "";
  const sweep = isSweepAsWhole(experiment, view) ? sweepOf(experiment) : null;
  const lines = [
    ...wrapped(resultWords(experiment, view)),
    shownWords(experiment, drawn, view),
    setupWords(experiment),
  ];
  const words = standalone
    ? {
        title: shortened(label ? `${experiment.title}: ${label}` : experiment.title),
        subtitle: lines.filter(Boolean).map(shortened),
        origin: originWords(experiment),
        margin: 24,
      }
    : {};
  if (sweep)
    return sweepChart({
      ...shared,
      ...words,
      figure: sweepFigure(view),
      points: sweep.points,
      parameter: sweep.parameter,
      valueWords: sweep.axisWords,
    });
  return runChart({
    ...shared,
    ...words,
    series,
    points: POINTS,
    metric: metricOf(view),
    axis: axisOf(view),
    marks: true,
    cut: true,
    ...(range ? { range } : {}),
  });
}
