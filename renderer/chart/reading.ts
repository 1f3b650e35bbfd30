import { formatAxis } from "../../chart/axes.ts";
import { AXIS_COLUMN, type Axis } from "../../chart/axis.ts";
import type { Palette } from "../../chart/palette.ts";
import { indexAt, metricValues } from "../../chart/points.ts";
import { lineStyles, type RunSeries, seriesLabel } from "../../chart/series.ts";
import type { Metric } from "../../engine/experiment/figures.ts";
import { formatCount, formatNs, formatValue, MISSING } from "../../engine/experiment/format.ts";
import type { Range } from "../lib/range.ts";

/** What one line says at the crosshair. */
export interface ReadingLine {
  readonly key: string;
  readonly label: string;
  readonly color: string;
  /** As Chart.js has it. */
  readonly dash: readonly number[];
  readonly mode: RunSeries["mode"];
  /** NaN where it is not known there. */
  readonly value: number;
  readonly shown: string;
}

export interface Reading {
  /** "operation 33,000 · 11.7 s" */
  readonly where: string;
  readonly lines: readonly ReadingLine[];
  /** All in one line, for screen readers. */
  readonly text: string;
}

/** From the first to the last sample of all runs. */
export function wholeRange(series: readonly RunSeries[], axis: Axis): Range {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const { samples } of series) {
    const xs = samples.columns[AXIS_COLUMN[axis]];
    if (!xs || samples.count === 0) continue;
    min = Math.min(min, xs[0]);
    max = Math.max(max, xs[samples.count - 1]);
  }
  return min <= max ? { min, max } : { min: 0, max: 1 };
}

/** Every line at one place of the axis: each run is read at its last sample up to there. */
export function readAll(
  series: readonly RunSeries[],
  metric: Metric,
  axis: Axis,
  at: number,
  palette: Palette,
): Reading {
  const styles = lineStyles(series, palette);
  let other: string | undefined;
  const lines = series.map((item, index): ReadingLine => {
    const { samples } = item;
    const xs = samples.columns[AXIS_COLUMN[axis]]?.subarray(0, samples.count) ?? new Float64Array(0);
    const row = indexAt(xs, at);
    const otherAxis = axis === "operations" ? samples.columns.time_ns : samples.columns.operations;
    if (row >= 0 && otherAxis) {
      const value = otherAxis[row];
      other ??= axis === "operations" ? formatNs(value) : `operation ${formatCount(value)}`;
    }
    const value = row < 0 ? Number.NaN : (metricValues(samples, metric)[row] ?? Number.NaN);
    return {
      key: item.key,
      label: seriesLabel(item, series),
      color: styles[index].color,
      dash: styles[index].dash,
      mode: item.mode,
      value,
      shown: Number.isNaN(value) ? MISSING : formatValue(value, metric.unit),
    };
  });
  const place = axis === "operations" ? `operation ${formatCount(Math.round(at))}` : formatAxis(at, axis);
  const where = other ? `${place} · ${other}` : place;
  const text = `${where}: ${lines.map((line) => `${line.label} ${line.shown}`).join(", ")}`;
  return { where, lines, text };
}
