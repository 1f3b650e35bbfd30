/** Lines that lie on each other: which ones would hide behind another. */
import { spanOf } from "../engine/experiment/extremes.ts";
import type { Metric } from "../engine/experiment/figures.ts";
import type { Scale } from "./axes.ts";
import { AXIS_COLUMN, type Axis } from "./axis.ts";
import { indexAt, metricValues, type Samples } from "./points.ts";

const PLACES = 200;
/** Of what both span: about two pixels. */
const APART_SHARE = 0.006;
/** So many of the places may be apart: a step that comes a moment later. */
const APART_PLACES = PLACES / 50;

/** The values at places evenly spread over a stretch, as a scale has them. */
function valuesAt(samples: Samples, metric: Metric, axis: Axis, scale: Scale, from: number, to: number): number[] {
  const xs = samples.columns[AXIS_COLUMN[axis]]?.subarray(0, samples.count) ?? new Float64Array(0);
  const ys = metricValues(samples, metric);
  return Array.from({ length: PLACES }, (_, i) => {
    const y = ys[indexAt(xs, from + ((to - from) * (i + 0.5)) / PLACES)] ?? Number.NaN;
    return scale === "log" ? Math.log(Math.max(y, 1)) : y;
  });
}

/** How much wider a line is drawn, and how much paler, that lies on another: it shows at both sides of it. */
export const BESIDE_PX = 6;
export const BESIDE_ALPHA = "66";

/** For each row of values at the same places (NaN: none), does it lie on one before it wherever both have a value? */
export function rowsOnOther(rows: readonly (readonly number[])[]): boolean[] {
  const known = rows.flat().filter((value) => !Number.isNaN(value));
  const apart = spanOf(known) * APART_SHARE;
  const isOn = (one: readonly number[], other: readonly number[]): boolean => {
    const both = one.flatMap((value, i) =>
      Number.isNaN(value) || Number.isNaN(other[i]) ? [] : [Math.abs(value - other[i])],
    );
    return both.length > 0 && both.every((distance) => distance <= apart);
  };
  return rows.map((row, at) => rows.slice(0, at).some((before) => isOn(row, before)));
}

/** For each line, does it lie on one before it over the whole stretch that both have? */
export function liesOnOther(
  lines: readonly Samples[],
  metric: Metric,
  axis: Axis,
  scale: Scale,
  range?: { readonly min: number; readonly max: number },
): boolean[] {
  const ends = lines.map((samples) => {
    const xs = samples.columns[AXIS_COLUMN[axis]];
    return xs && samples.count > 1 ? { min: xs[0], max: xs[samples.count - 1] } : undefined;
  });
  const isOn = (a: number, b: number): boolean => {
    const [one, other] = [ends[a], ends[b]];
    if (!one || !other) return false;
    const from = Math.max(one.min, other.min, range?.min ?? Number.NEGATIVE_INFINITY);
    const to = Math.min(one.max, other.max, range?.max ?? Number.POSITIVE_INFINITY);
    if (!(to > from)) return false;
    const ya = valuesAt(lines[a], metric, axis, scale, from, to);
    const yb = valuesAt(lines[b], metric, axis, scale, from, to);
    const all = [...ya, ...yb].filter((y) => !Number.isNaN(y));
    if (all.length < 2 * PLACES) return false;
    const span = spanOf(all);
    return ya.filter((y, i) => Math.abs(y - yb[i]) > span * APART_SHARE).length <= APART_PLACES;
  };
  return lines.map((_, at) => lines.slice(0, at).some((_, before) => isOn(at, before)));
}
