/**
 * Where kept observations lead: growth of a process's page tables per hour, and when its control group would be full at
 * that rate. The slope is the median of the slopes of all pairs (Theil-Sen), which single spikes do not move; its spread
 * is the interval of these slopes that holds the true one in 9 cases of 10 (Sen 1968), for a growth that is steady.
 */

import { formatCount, formatDifference } from "../experiment/format.ts";

export interface Observed {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly vmpteKb: number;
}

export interface Forecast {
  readonly observations: number;
  readonly hours: number;
  /** kB an hour; null: too few observations (5) or too short a time (a minute) to say anything. */
  readonly kbPerHour: { readonly low: number; readonly median: number; readonly high: number } | null;
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
const HOUR_MS = 3.6e6;
/** Of the normal distribution: nine cases in ten lie within. */
const Z_90 = 1.645;
const CORRELATION_MOST = 0.95;
/** Below so much n (1 - correlation) steps that stay cannot be ruled out (Dickey and Fuller 1979, with a trend, 10 %). */
const STEPS_BELOW = 18;

/** One of each of so many equal stretches of time: slopes of all pairs are many, and looks that came in a burst are one. */
function thinned(points: readonly Observed[]): readonly Observed[] {
  const first = points[0]?.atMs ?? 0;
  const span = (points[points.length - 1]?.atMs ?? 0) - first;
  if (points.length <= OBSERVATIONS_LEAST || span <= 0) return points;
  const kept = new Map<number, Observed>();
  for (const point of points) kept.set(Math.floor(((point.atMs - first) / span) * (OBSERVATIONS_MOST - 1)), point);
  return kept.size < OBSERVATIONS_LEAST ? points.slice(-OBSERVATIONS_MOST) : [...kept.values()];
}

/** How alike neighbouring deviations from the line are: 0 for noise that is new at each look, near 1 for steps that stay. */
function correlationOf(points: readonly Observed[], kbPerHour: number): number {
  const off = points.map(({ atMs, vmpteKb }) => vmpteKb - (kbPerHour * (atMs - points[0].atMs)) / HOUR_MS);
  const mean = off.reduce((sum, kb) => sum + kb, 0) / off.length;
  let together = 0;
  let all = 0;
  for (let i = 0; i < off.length; i++) {
    all += (off[i] - mean) ** 2;
    if (i > 0) together += (off[i] - mean) * (off[i - 1] - mean);
  }
  if (all === 0) return 0;
  // The estimate is too low by about (1 + 4r) / n for few points (Kendall 1954).
  const found = together / all;
  const n = points.length;
  return Math.min(CORRELATION_MOST, Math.max(0, found + (1 + 4 * Math.max(0, found)) / n));
}

/** What steps that stay, each as large as those seen, leave open of the growth: kB an hour to either side. */
function stepsSpread(points: readonly Observed[], hours: number): number {
  const steps = points.slice(1).map(({ vmpteKb }, i) => vmpteKb - points[i].vmpteKb);
  const mean = steps.reduce((sum, kb) => sum + kb, 0) / steps.length;
  const variance = steps.reduce((sum, kb) => sum + (kb - mean) ** 2, 0) / Math.max(1, steps.length - 1);
  return (Z_90 * Math.sqrt(variance * steps.length)) / hours;
}

/**
 * `roomKb`: what the control group may still take; null: no limit. Nothing else in it is taken to grow. Where neighbouring
 * looks are alike, fewer of them count (Yue and Wang 2004); growth in steps that stay has the spread of these steps.
 */
export function forecastOf(observed: readonly Observed[], roomKb: number | null): Forecast {
  const sorted = [...observed].sort((a, b) => a.atMs - b.atMs);
  const points = thinned(sorted);
  const hours = sorted.length === 0 ? 0 : (sorted[sorted.length - 1].atMs - sorted[0].atMs) / HOUR_MS;
  if (points.length < OBSERVATIONS_LEAST || hours < HOURS_LEAST)
    return { observations: observed.length, hours, kbPerHour: null, hoursToLimit: null };
  const slopes: number[] = [];
  for (let i = 0; i < points.length; i++)
    for (let j = i + 1; j < points.length; j++) {
      const apart = (points[j].atMs - points[i].atMs) / HOUR_MS;
      if (apart > 0) slopes.push((points[j].vmpteKb - points[i].vmpteKb) / apart);
    }
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const middle = (slopes.length - 1) / 2;
  const median = (slopes[Math.floor(middle)] + slopes[Math.ceil(middle)]) / 2;
  const alike = correlationOf(points, median);
  const half = (Z_90 * Math.sqrt(((n * (n - 1) * (2 * n + 5)) / 18) * ((1 + alike) / (1 - alike)))) / 2;
  const at = (index: number): number => slopes[Math.max(0, Math.min(slopes.length - 1, Math.round(index)))];
  const steps = n * (1 - alike) < STEPS_BELOW ? stepsSpread(points, hours) : 0;
  const kbPerHour = {
    low: Math.min(at(Math.floor(middle - half)), median - steps),
    median,
    high: Math.max(at(Math.ceil(middle + half)), median + steps),
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
  if (hours < 1) return `${Math.round(hours * 60)} min`;
  return hours < 48 ? `${hours.toFixed(1)} hours` : `${Math.round(hours / 24)} days`;
}

/** What a forecast says, in whole sentences. */
export function forecastSentences({ observations, hours, kbPerHour, hoursToLimit }: Forecast): string[] {
  const seen = `${formatCount(observations)} ${observations === 1 ? "look" : "looks"} in ${hoursWords(hours)}`;
  if (kbPerHour === null)
    return [
      `Too few looks to tell the growth: ${seen}; it takes ${OBSERVATIONS_LEAST} looks over a minute. inspect --watch --keep records them.`,
    ];
  const { low, median, high } = kbPerHour;
  const numbers = `${rateWords(median)}, between ${rateWords(low)} and ${rateWords(high)} (nine in ten; ${seen})`;
  if (low === 0 && high === 0) return [`Page tables do not grow: the same size in ${seen}.`];
  if (low <= 0 && high >= 0)
    return [
      `Page tables neither clearly grow nor clearly shrink: ${numbers}.`,
      ...(hoursToLimit === null || hoursToLimit.soonest === null
        ? []
        : [
            `If nothing else grows, they reach the limit of its control group in ${hoursWords(hoursToLimit.soonest)} at the soonest, perhaps never.`,
          ]),
    ];
  if (high < 0) return [`Page tables shrink: ${numbers}. They reach no limit at that rate.`];
  const growth = `Page tables grow: ${numbers}.`;
  if (hoursToLimit === null) return [growth, "Its control group has no known limit."];
  const { soonest, median: middle, latest } = hoursToLimit;
  const words = (at: number | null): string => (at === null ? "never" : `in ${hoursWords(at)}`);
  return [
    growth,
    `If nothing else grows, they reach the limit of its control group ${words(middle).replace("in ", "in about ")}: at the soonest ${words(soonest)}, at the latest ${words(latest)}.`,
  ];
}
