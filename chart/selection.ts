/** The numbers of a part of a chart: what each line is at its ends, its least, most and average there. */
import type { Metric } from "../engine/experiment/figures.ts";
import { AXIS_COLUMN, type Axis } from "./axis.ts";
import { indexAt, metricValues } from "./points.ts";
import { type RunSeries, seriesLabel } from "./series.ts";

export interface SelectionLine {
  readonly key: string;
  readonly label: string;
  readonly mode: RunSeries["mode"];
  /** At the beginning and at the end of the part; NaN where the run is not there. */
  readonly from: number;
  readonly to: number;
  readonly least: number;
  readonly most: number;
  /** Over the axis: each value counts as long as it lasts. */
  readonly average: number;
  /** Tables freed within it; null where that is not known. */
  readonly freed: number | null;
}

export function selectionNumbers(
  series: readonly RunSeries[],
  metric: Metric,
  axis: Axis,
  { min, max }: { readonly min: number; readonly max: number },
): SelectionLine[] {
  return series.map((item) => {
    const { samples } = item;
    const xs = samples.columns[AXIS_COLUMN[axis]]?.subarray(0, samples.count) ?? new Float64Array(0);
    const ys = metricValues(samples, metric);
    const first = indexAt(xs, min);
    const last = indexAt(xs, max);
    const start = Math.max(0, first);
    let [least, most, area, length] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
    for (let i = start; i <= last; i++) {
      const y = ys[i];
      if (Number.isNaN(y)) continue;
      least = Math.min(least, y);
      most = Math.max(most, y);
      const lasts = Math.min(max, i < last ? xs[i + 1] : max) - Math.max(min, xs[i]);
      area += y * Math.max(0, lasts);
      length += Math.max(0, lasts);
    }
    const freed = samples.columns.tables_freed;
    const inside = last >= start;
    return {
      key: item.key,
      label: seriesLabel(item, series),
      mode: item.mode,
      from: ys[start] ?? Number.NaN,
      to: inside ? ys[last] : Number.NaN,
      least: least <= most ? least : Number.NaN,
      most: least <= most ? most : Number.NaN,
      average: length > 0 ? area / length : Number.NaN,
      freed: freed && inside && !Number.isNaN(freed[last]) ? freed[last] - freed[start] : null,
    };
  });
}
