/** The values that a sweep goes through: one parameter over a list or a range. Pure, for window and command line. */
import type { NumberParam } from "./params.ts";

/** More points than this are no longer read by anyone, and each is two runs. */
export const SWEEP_POINTS_MAX = 200;

export interface SweepRange {
  readonly from: number;
  readonly to: number;
  /** How many values, both ends included; fewer if rounding makes some equal. Default: `defaultPoints`. */
  readonly points?: number | undefined;
  /** `log`: each value the same factor above the one before. */
  readonly scale: "linear" | "log";
}

/** A value that the parameter may take, as near as possible: whole, and a multiple of what it must be. */
function snapped(value: number, { multipleOf = 1, min, max }: NumberParam): number {
  const rounded = Math.round(value / multipleOf) * multipleOf;
  const low = Math.ceil(min / multipleOf) * multipleOf;
  const high = Math.floor(max / multipleOf) * multipleOf;
  return Math.min(high, Math.max(low, rounded));
}

/** How many values a range has where nobody says: one a doubling where that meets both ends, else 12. */
function defaultPoints({ from, to, scale }: SweepRange): number {
  const doublings = Math.abs(Math.log2(to / from));
  return scale === "log" && Number.isInteger(doublings) && doublings > 0 ? doublings + 1 : 12;
}

/** The values of a range, rising (or falling, where `from` is above `to`), each once. `points` is at least 2. */
export function sweepValues(param: NumberParam, range: SweepRange): number[] {
  const { from, to, scale, points = defaultPoints(range) } = range;
  const count = Math.min(Math.max(2, Math.floor(points)), SWEEP_POINTS_MAX);
  const values = Array.from({ length: count }, (_, i) => {
    const share = i / (count - 1);
    const value = scale === "log" && from > 0 && to > 0 ? from * (to / from) ** share : from + (to - from) * share;
    return snapped(value, param);
  });
  return [...new Set(values)];
}
