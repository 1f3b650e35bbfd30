/** The chart of an experiment's runs, as Chart.js configuration: what the window draws and what the exports hold. */

import type { ChartConfiguration, Point } from "chart.js";
import { METRICS, type Metric } from "../engine/experiment/figures.ts";
import { formatValue } from "../engine/experiment/format.ts";
import { BESIDE_ALPHA, BESIDE_PX, liesOnOther } from "./alike.ts";
import { onScale, type Scale, TICK_PADDING_PX, xScale, yScale } from "./axes.ts";
import { AXIS_COLUMN, type Axis } from "./axis.ts";
import { endLabels, endLabelWidth } from "./end-labels.ts";
import { freedMarks, freedMarksPlugin, MARK_ROW_HEIGHT } from "./freed-marks.ts";
import type { Palette } from "./palette.ts";
import { ORIGIN_HEIGHT, originLine, PLAIN_OPTIONS, PLAIN_PLUGINS, titles } from "./plain.ts";
import { cutPoints, indexAt, lowerBound, metricValues, minMaxIndices, type Samples } from "./points.ts";
import { bandOf, isSaw, sawBands } from "./saw.ts";
import { clockOf, inOrder, isOnAxis, lineStyles, type RunSeries, seriesLabel } from "./series.ts";
import { MARK_WORDS_HEIGHT, timeMarks, timeMarksPlugin } from "./time-marks.ts";

export interface RunChartOptions {
  readonly series: readonly RunSeries[];
  readonly palette: Palette;
  /** CSS font family; it must be there where the chart is drawn. */
  readonly font: string;
  /** Default: VmPTE. */
  readonly metric?: Metric;
  readonly axis?: Axis;
  readonly scale?: Scale;
  /** Most points a line; twice the width in pixels loses nothing that can be seen. Default: 2400. */
  readonly points?: number;
  /** Part of the x axis to draw (default: all). */
  readonly range?: { readonly min: number; readonly max: number };
  /** Marks where tables were freed; needs the column tables_freed. */
  readonly marks?: boolean;
  /** Name and last value at the end of each line (default: true). */
  readonly labels?: boolean;
  /** Lines end at the edges of the range, for pictures that are drawn without clipping. */
  readonly cut?: boolean;
  /** What the y axis is, along it, for pictures that stand alone. */
  readonly yTitle?: boolean;
  /** Where it came from, below the chart, for pictures that stand alone. */
  readonly origin?: string;
  /** Above the chart, for pictures that stand alone. */
  readonly title?: string;
  readonly subtitle?: string | readonly string[];
  /** Free pixels around all of it, for pictures that stand alone. */
  readonly margin?: number;
}

/** The points of one line within a range, peaks kept; one sample outside on each side, so that lines reach the edges. */
export function linePoints(
  samples: Samples,
  metric: Metric,
  axis: Axis,
  scale: Scale,
  points: number,
  range?: { readonly min: number; readonly max: number },
): Point[] {
  const xs = samples.columns[AXIS_COLUMN[axis]]?.subarray(0, samples.count);
  if (!xs) return [];
  const ys = metricValues(samples, metric);
  const from = range ? Math.max(0, lowerBound(xs, range.min) - 1) : 0;
  const to = range ? Math.min(samples.count, lowerBound(xs, range.max) + 1) : samples.count;
  // A process has no page tables, and no memory, only before its first and while it is replaced: no place on a logarithmic axis.
  const gaps = scale === "log" && metric.unit === "kb";
  const place = (y: number): number => (gaps && y <= 0 ? Number.NaN : onScale(y, scale));
  return minMaxIndices(ys, points, from, to).map((i) => ({ x: xs[i], y: place(ys[i]) }));
}

/** The last known value of a metric, up to a place of the axis where one is given. */
export function lastValue(samples: Samples, metric: Metric, axis: Axis = "operations", until?: number): number | null {
  const xs = until === undefined ? undefined : samples.columns[AXIS_COLUMN[axis]]?.subarray(0, samples.count);
  const values = metricValues(samples, metric);
  const seen = xs && until !== undefined ? values.subarray(0, indexAt(xs, until) + 1) : values;
  return seen.findLast((value) => !Number.isNaN(value)) ?? null;
}

/** One dataset a series, in the policies' order; parsing, animation and decimation by Chart.js are off. */
export function runChart(options: RunChartOptions): ChartConfiguration<"line", Point[]> {
  const { palette, font, axis = "operations", scale = "linear", points = 2400, range } = options;
  const metric = options.metric ?? METRICS[0];
  const series = inOrder(options.series).filter((item) => isOnAxis(item, axis));
  const styles = lineStyles(series, palette);
  const labels = series.map((item, i) => ({
    name: seriesLabel(item, series),
    value: formatValue(lastValue(item.samples, metric, axis, range?.max), metric.unit),
    color: styles[i].color,
  }));
  const withLabels = options.labels ?? true;
  const marks = options.marks
    ? series
        .map((item, i) => ({ marks: freedMarks(item.samples, axis), color: styles[i].color }))
        .filter((row) => row.marks.length > 0)
    : [];
  const lines = series.map((item) => linePoints(item.samples, metric, axis, scale, points, range));
  const bands = lines.map((line) => (isSaw(line, points) ? bandOf(line, points) : null));
  const hidden = liesOnOther(
    series.map((item) => item.samples),
    metric,
    axis,
    scale,
    range,
  );
  // Forks and releases are the program's, whatever it runs under.
  const [first] = series;
  const events = options.marks && first ? timeMarks(first.samples, first.events ?? [], axis, first.releases) : [];
  /** Above the lines, beneath what stands over the chart. */
  const wordsHeight = events.length > 0 ? MARK_WORDS_HEIGHT : 0;
  const drawnBands = bands.flatMap((band, i) =>
    band ? [{ ...band, color: styles[i].color, dash: styles[i].dash }] : [],
  );
  const margin = options.margin ?? 0;
  const origin = options.origin ?? "";
  const drawn = (line: Point[]): Point[] =>
    options.cut && range
      ? cutPoints(
          line.map(({ x, y }) => ({ x: x ?? Number.NaN, y: y ?? Number.NaN })),
          range,
          scale === "log",
        )
      : line;
  return {
    type: "line",
    data: {
      datasets: series.map((item, i) => ({
        label: labels[i].name,
        data: drawn(bands[i]?.top ?? lines[i]),
        // The first is drawn last: what lies on it shows at both sides of it.
        borderColor: hidden[i] && !bands[i] ? `${styles[i].color}${BESIDE_ALPHA}` : styles[i].color,
        backgroundColor: styles[i].color,
        borderDash: hidden[i] && !bands[i] ? [] : [...styles[i].dash],
        borderWidth: hidden[i] && !bands[i] ? styles[i].width + BESIDE_PX : bands[i] ? 1.5 : styles[i].width,
        borderJoinStyle: "round",
        pointRadius: item.samples.count === 1 ? 3 : 0,
        pointHitRadius: 0,
        tension: 0,
        spanGaps: false,
      })),
    },
    options: {
      ...PLAIN_OPTIONS,
      layout: {
        padding: {
          top: margin + 8 + (options.subtitle === undefined ? wordsHeight : 0),
          right: margin + (withLabels ? endLabelWidth(labels) : 8),
          bottom: margin + (origin ? ORIGIN_HEIGHT : 0),
          left: margin,
        },
      },
      scales: {
        x: {
          ...xScale(axis, series.map(clockOf), palette, font, TICK_PADDING_PX + marks.length * MARK_ROW_HEIGHT),
          ...range,
        },
        y: yScale(metric, scale, palette, font, options.yTitle),
      },
      plugins: {
        ...PLAIN_PLUGINS,
        ...titles(options, palette, font, wordsHeight),
      },
    },
    plugins: [
      ...(events.length > 0 ? [timeMarksPlugin(events, palette, font)] : []),
      ...(drawnBands.length > 0 ? [sawBands(drawnBands)] : []),
      ...(withLabels ? [endLabels(labels, font)] : []),
      ...(marks.length > 0 ? [freedMarksPlugin(marks)] : []),
      ...(origin ? [originLine(origin, margin, palette, font)] : []),
    ],
  };
}
