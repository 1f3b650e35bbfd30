/**
 * Where kept observations lead: growth of a process's page tables per hour, and when its control group would be full at
 * that rate. The slope is the median of the slopes of all pairs (Theil-Sen), which single spikes do not move; its spread
 * is the interval of these slopes that holds the true one in 9 cases of 10 (Sen 1968), for a growth that is steady.
 */

import { formatDifference } from "../experiment/format.ts";

export interface Observed {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly vmpteKb: number;
}

export interface Forecast {
  readonly observations: number;
  readonly hours: number;
  /** kB an hour. */
  readonly kbPerHour: { readonly low: number; readonly median: number; readonly high: number };
  /** Hours until the room is used up at that growth; null: never at that rate. None where there is no limit. */
  readonly hoursToLimit: {
    readonly soonest: number | null;
    readonly median: number | null;
    readonly latest: number | null;
  } | null;
}

const OBSERVATIONS_LEAST = 5;
const OBSERVATIONS_MOST = 400;
const HOURS_LEAST = 1 / 60;
/** Of the normal distribution: nine cases in ten lie within. */
const Z_90 = 1.645;

/** Evenly thinned: slopes of all pairs are many. */
function thinned(points: readonly Observed[]): readonly Observed[] {
  if (points.length <= OBSERVATIONS_MOST) return points;
  const step = (points.length - 1) / (OBSERVATIONS_MOST - 1);
  return Array.from({ length: OBSERVATIONS_MOST }, (_, i) => points[Math.round(i * step)]);
}

/**
 * null: too few observations (5) or too short a time (a minute) to say anything. `roomKb`: what the control group may
 * still take; null: no limit. Nothing else in it is taken to grow.
 */
export function forecastOf(observed: readonly Observed[], roomKb: number | null): Forecast | null {
  const points = thinned([...observed].sort((a, b) => a.atMs - b.atMs));
  const hours = points.length === 0 ? 0 : (points[points.length - 1].atMs - points[0].atMs) / 3.6e6;
  if (points.length < OBSERVATIONS_LEAST || hours < HOURS_LEAST) return null;
  const slopes: number[] = [];
  for (let i = 0; i < points.length; i++)
    for (let j = i + 1; j < points.length; j++) {
      const apart = (points[j].atMs - points[i].atMs) / 3.6e6;
      if (apart > 0) slopes.push((points[j].vmpteKb - points[i].vmpteKb) / apart);
    }
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const half = (Z_90 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)) / 2;
  const middle = (slopes.length - 1) / 2;
  const at = (index: number): number => slopes[Math.max(0, Math.min(slopes.length - 1, Math.round(index)))];
  const kbPerHour = {
    low: at(Math.floor(middle - half)),
    median: (slopes[Math.floor(middle)] + slopes[Math.ceil(middle)]) / 2,
    high: at(Math.ceil(middle + half)),
  };
  const until = (slope: number): number | null => (roomKb === null || slope <= 0 ? null : Math.max(0, roomKb) / slope);
  return {
    observations: observed.length,
    hours,
    kbPerHour,
    hoursToLimit:
      roomKb === null
        ? null
        : { soonest: until(kbPerHour.high), median: until(kbPerHour.median), latest: until(kbPerHour.low) },
  };
}

/** "1.5 MiB an hour", with a sign. */
const rateWords = (kb: number): string => `${formatDifference(Math.round(kb), "kb")} an hour`;

function hoursWords(hours: number): string {
  if (hours < 1) return `${Math.max(1, Math.round(hours * 60))} min`;
  return hours < 48 ? `${hours.toFixed(1)} hours` : `${Math.round(hours / 24)} days`;
}

/** What a forecast says, in whole sentences. */
export function forecastSentences({ observations, hours, kbPerHour, hoursToLimit }: Forecast): string[] {
  const { low, median, high } = kbPerHour;
  const seen = `${observations} looks in ${hoursWords(hours)}`;
  const growth =
    low <= 0 && high >= 0
      ? `Page tables neither grow nor shrink for certain: ${rateWords(median)}, between ${rateWords(low)} and ${rateWords(high)} (nine in ten; ${seen}).`
      : `Page tables ${median > 0 ? "grow" : "shrink"}: ${rateWords(median)}, between ${rateWords(low)} and ${rateWords(high)} (nine in ten; ${seen}).`;
  if (hoursToLimit === null) return [growth];
  const { soonest, median: middle, latest } = hoursToLimit;
  if (soonest === null) return [growth, "At that rate the limit of its control group is not met."];
  const until = middle === null ? "if at all" : `in about ${hoursWords(middle)}`;
  const range = `at the soonest in ${hoursWords(soonest)}, ${latest === null ? "perhaps never" : `at the latest in ${hoursWords(latest)}`}`;
  return [growth, `If nothing else grows, page tables meet the limit of its control group ${until}: ${range}.`];
}
