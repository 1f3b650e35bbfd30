/** The difference of two runs along an axis: what is left when the baseline is taken away. */

import type { ChartConfiguration, Point } from "chart.js";
import type { Metric } from "../engine/experiment/figures.ts";
import { formatDifference } from "../engine/experiment/format.ts";
import { formatTick, linearSizeTicks, xScale } from "./axes.ts";
import { AXIS_COLUMN, type Axis } from "./axis.ts";
import type { Palette } from "./palette.ts";
import { PLAIN_OPTIONS, PLAIN_PLUGINS } from "./plain.ts";
import { indexAt, metricValues, minMaxIndices, type Samples } from "./points.ts";
import { lineStyles, type RunSeries, seriesLabel } from "./series.ts";

export interface Difference {
  /** Operations or nanoseconds, rising. */
  readonly x: Float64Array;
  /** Run minus baseline; between two samples a run is at its earlier one. */
  readonly y: Float64Array;
}

/** Over the part of the axis that both runs have, at every moment at which either was sampled. */
export function difference(run: Samples, baseline: Samples, metric: Metric, axis: Axis): Difference {
  const a = run.columns[AXIS_COLUMN[axis]]?.subarray(0, run.count);
  const b = baseline.columns[AXIS_COLUMN[axis]]?.subarray(0, baseline.count);
  const nothing = { x: new Float64Array(0), y: new Float64Array(0) };
  if (!a?.length || !b?.length) return nothing;
  const from = Math.max(a[0], b[0]);
  const to = Math.min(a[a.length - 1], b[b.length - 1]);
  const x = Float64Array.from(new Set([...a, ...b].filter((at) => at >= from && at <= to))).sort();
  const ya = metricValues(run, metric);
  const yb = metricValues(baseline, metric);
  return { x, y: x.map((at) => ya[indexAt(a, at)] - yb[indexAt(b, at)]) };
}

/** The track is low. */
const SIZE_STEPS_MAX = 3;

/** A track under the main chart: each run's difference against the baseline, zero line drawn. */
export function differenceChart(options: {
  readonly series: readonly RunSeries[];
  readonly baseline: RunSeries;
  readonly metric: Metric;
  readonly axis: Axis;
  readonly palette: Palette;
  readonly font: string;
  readonly points?: number;
  readonly range?: { readonly min: number; readonly max: number };
}): ChartConfiguration<"line", Point[]> {
  const { series, baseline, metric, axis, palette, font, points = 2400, range } = options;
  const styles = lineStyles(series, palette);
  return {
    type: "line",
    data: {
      datasets: series.flatMap((item, i) => {
        if (item.key === baseline.key) return [];
        const { x, y } = difference(item.samples, baseline.samples, metric, axis);
        return {
          label: `${seriesLabel(item, series)} − ${seriesLabel(baseline, series)}`,
          data: minMaxIndices(y, points).map((at) => ({ x: x[at], y: y[at] })),
          borderColor: styles[i].color,
          backgroundColor: styles[i].color,
          borderDash: [...styles[i].dash],
          borderWidth: styles[i].width,
          pointRadius: 0,
          pointHitRadius: 0,
          stepped: "before" as const,
        };
      }),
    },
    options: {
      ...PLAIN_OPTIONS,
      scales: {
        x: {
          ...xScale(
            axis,
            series.map((item) => item.source),
            palette,
            font,
          ),
          ...range,
        },
        y: {
          type: "linear",
          ...(metric.unit === "kb" ? { afterBuildTicks: (scale) => linearSizeTicks(scale, SIZE_STEPS_MAX) } : {}),
          border: { display: false },
          grid: { color: (tick) => (tick.tick.value === 0 ? palette.ink2 : palette.hairline), drawTicks: false },
          ticks: {
            color: palette.ink2,
            font: { family: font, size: 11 },
            padding: 8,
            // None is left out: the zero line would be among them.
            autoSkip: false,
            maxTicksLimit: 5,
            callback: (value, _index, all) =>
              Number.isInteger(Number(value))
                ? formatDifference(Number(value), metric.unit, (size, unit) => formatTick(size, unit, all))
                : null,
          },
        },
      },
      plugins: PLAIN_PLUGINS,
    },
  };
}
