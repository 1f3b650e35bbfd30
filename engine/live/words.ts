/** Shares and numbers of processes in the live machine's sentences. */
import { formatCount, formatPercent } from "../experiment/format.ts";

/** Of empty tables on a kernel that reclaims: how they can have become so. */
export const EMPTIED_OTHERWISE = "these were emptied piece by piece, across two mappings, or by other calls";

/** A share of a whole: "18.2 %". */
export function shareOf(part: number, whole: number): string {
  return formatPercent(whole <= 0 ? 0 : part / whole);
}

/** "1 process", "212 processes". */
export function numberOfProcesses(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "process" : "processes"}`;
}

const SPANS = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
] as const;

/** How long something has been so, in its largest unit: "19 days", "1 hour". */
export function durationWords(ms: number): string {
  for (const [size, unit] of SPANS) {
    const count = Math.floor(ms / size);
    if (count >= 1) return `${formatCount(count)} ${unit}${count === 1 ? "" : "s"}`;
  }
  return "less than a minute";
}
