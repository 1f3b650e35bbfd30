/** Which samples of many a chart draws: peaks and troughs stay, whatever is left out. */

import type { Metric } from "../engine/experiment/figures.ts";
import type { SampleColumn } from "../engine/experiment/types.ts";

/** Columns of samples, as the store and the contract give them. */
export interface Samples {
  readonly count: number;
  readonly columns: Partial<Readonly<Record<SampleColumn, Float64Array>>>;
}

/**
 * Indices (rising) of at most `points` values between `from` and `to` (exclusive) that keep first, last and each
 * stretch's smallest and largest value. All of them where there are no more than `points` (at least 4).
 */
export function minMaxIndices(values: Float64Array, points: number, from = 0, to = values.length): number[] {
  const count = to - from;
  if (count <= Math.max(points, 4)) return Array.from({ length: Math.max(count, 0) }, (_, i) => from + i);
  const kept = [from];
  const buckets = Math.max(1, Math.floor((points - 2) / 2));
  // First and last sample are kept by themselves; the buckets divide what lies between them.
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = from + 1 + Math.floor(((count - 2) * bucket) / buckets);
    const end = from + 1 + Math.floor(((count - 2) * (bucket + 1)) / buckets);
    if (start >= end) continue;
    let low = start;
    let high = start;
    for (let i = start + 1; i < end; i++) {
      if (values[i] < values[low] || Number.isNaN(values[low])) low = i;
      if (values[i] > values[high] || Number.isNaN(values[high])) high = i;
    }
    if (low !== high) kept.push(Math.min(low, high));
    kept.push(Math.max(low, high));
  }
  kept.push(to - 1);
  return kept;
}

/** All columns at these indices. */
function pick(samples: Samples, indices: readonly number[]): Samples {
  const columns: Partial<Record<SampleColumn, Float64Array>> = {};
  for (const [name, values] of Object.entries(samples.columns) as [SampleColumn, Float64Array][])
    columns[name] = Float64Array.from(indices, (i) => values[i]);
  return { count: indices.length, columns };
}

/**
 * Samples thinned to at most `points` rows by the peaks and troughs of a metric; with `along` those alone of which this
 * column is within a range, and one on each side of it.
 */
export function thin(
  samples: Samples,
  points: number,
  metric: Metric,
  along?: { readonly column: SampleColumn; readonly min: number; readonly max: number },
): Samples {
  const xs = along && samples.columns[along.column]?.subarray(0, samples.count);
  const from = xs ? Math.max(0, lowerBound(xs, along.min) - 1) : 0;
  const to = xs ? Math.min(samples.count, indexAt(xs, along.max) + 2) : samples.count;
  if (to - from === samples.count && samples.count <= points) return samples;
  return pick(samples, minMaxIndices(metricValues(samples, metric), points, from, to));
}

/** A line within a range: where it crosses the edges it is cut, as it is drawn on a linear or logarithmic scale. */
export function cutPoints<P extends { readonly x: number; readonly y: number }>(
  points: readonly P[],
  { min, max }: { readonly min: number; readonly max: number },
  log: boolean,
): { x: number; y: number }[] {
  const between = (a: P, b: P, x: number): { x: number; y: number } => {
    const share = (x - a.x) / (b.x - a.x);
    const y = log && a.y > 0 && b.y > 0 ? a.y * (b.y / a.y) ** share : a.y + (b.y - a.y) * share;
    return { x, y };
  };
  const cut: { x: number; y: number }[] = [];
  for (const [i, point] of points.entries()) {
    const before = points[i - 1];
    if (before && before.x < min && point.x > min) cut.push(between(before, point, min));
    if (before && before.x < max && point.x > max) cut.push(between(before, point, max));
    if (point.x >= min && point.x <= max) cut.push({ x: point.x, y: point.y });
  }
  return cut;
}

/** The values of a metric, one a sample; NaN where a column is not there or not known. */
export function metricValues(samples: Samples, metric: Metric): Float64Array {
  const [first, ...others] = metric.columns.map((name) => samples.columns[name]);
  if (!first || others.some((values) => values === undefined)) return new Float64Array(samples.count).fill(Number.NaN);
  if (others.length === 0) return first.subarray(0, samples.count);
  const sum = first.slice(0, samples.count);
  for (const values of others) for (let i = 0; i < sum.length; i++) sum[i] += values?.[i] ?? Number.NaN;
  return sum;
}

/** First index whose value is at least `x` in rising values; their number if there is none. */
export function lowerBound(values: Float64Array, x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the last value that is at most `x` in rising values: the state at x. -1 before the first. */
export function indexAt(values: Float64Array, x: number): number {
  const at = lowerBound(values, x);
  if (at === values.length || values[at] > x) return at - 1;
  let last = at;
  while (last + 1 < values.length && values[last + 1] === x) last++;
  return last;
}
