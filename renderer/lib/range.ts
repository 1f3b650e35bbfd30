/** Zooming and panning of an axis: ranges within what there is. All pure; undefined is the whole axis. */

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** No closer than this share of the whole axis. */
const CLOSEST = 1e-4;

const span = ({ min, max }: Range): number => max - min;

/** Moves and cuts a range so that it lies within `whole`; undefined where it then is all of it. */
export function within(range: Range, whole: Range): Range | undefined {
  const size = Math.max(span(range), span(whole) * CLOSEST);
  if (size >= span(whole)) return undefined;
  const min = Math.min(Math.max(range.min, whole.min), whole.max - size);
  return { min, max: min + size };
}

/** `factor` below 1 goes closer; the place `at` stays where it is on the screen. */
export function zoomed(range: Range | undefined, whole: Range, factor: number, at: number): Range | undefined {
  const from = range ?? whole;
  const size = Math.max(span(from) * factor, span(whole) * CLOSEST);
  const share = span(from) === 0 ? 0.5 : (at - from.min) / span(from);
  return within({ min: at - share * size, max: at + (1 - share) * size }, whole);
}

/** Moved by a share of what is seen: 0.25 is a quarter to the right. The whole axis cannot be moved. */
export function panned(range: Range | undefined, whole: Range, share: number): Range | undefined {
  if (!range) return undefined;
  const by = span(range) * share;
  return within({ min: range.min + by, max: range.max + by }, whole);
}
