/** Moments at which a program gave a large part of its memory back. */
import { AXIS_COLUMN, type Axis } from "./axis.ts";
import type { Samples } from "./points.ts";

export interface BigRelease {
  /** Operations or nanoseconds. */
  readonly x: number;
  /** RSS that went, kB. */
  readonly kb: number;
}

/** A release is big where this share of what RSS spans goes at once. */
const BIG_SHARE = 0.2;
/** So much of a fall is as good as all of it. */
const NEARLY_ALL = 0.9;
/** More of them than that are how the program works, and no events. */
const RELEASES_MAX = 8;

/** Where nearly all of a fall has happened: what trickles away long after is of it, but not where it is. */
function mostlyGone(rss: Float64Array, top: number, bottom: number): number {
  const nearly = rss[top] - (rss[top] - rss[bottom]) * NEARLY_ALL;
  for (let i = top + 1; i < bottom; i++) if (rss[i] <= nearly) return i;
  return bottom;
}

/** Where RSS falls by a fifth or more of what it spans, in one fall; none where that happens all the time. */
export function bigReleases(samples: Samples, axis: Axis): BigRelease[] {
  const xs = samples.columns[AXIS_COLUMN[axis]];
  const rss = samples.columns.rss_kb?.subarray(0, samples.count);
  if (!xs || !rss || rss.length < 2) return [];
  const most = rss.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const least = rss.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const big = (most - least) * BIG_SHARE;
  if (!(big > 0)) return [];
  const vmpte = samples.columns.vmpte_kb;
  // A process that lives has page tables: it is without any only between the program that goes and the one that comes.
  const isReplaced = (i: number): boolean => i < rss.length - 1 && vmpte?.[i] === 0 && (vmpte[i - 1] ?? 0) > 0;
  const found: BigRelease[] = [];
  let top = 0;
  for (let i = 1; i <= rss.length; i++) {
    // A fall ends where it rises again, or with the run.
    if (i < rss.length && rss[i] <= rss[i - 1]) continue;
    const kb = rss[top] - rss[i - 1];
    if (kb >= big && !isReplaced(i - 1)) found.push({ x: xs[mostlyGone(rss, top, i - 1)], kb });
    if (found.length > RELEASES_MAX) return [];
    top = i;
  }
  return found;
}
