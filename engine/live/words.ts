/** Shares and numbers of processes in the live machine's sentences. */
import { formatCount, formatPercent } from "../experiment/format.ts";

/** A share of a whole: "18.2 %". */
export function shareOf(part: number, whole: number): string {
  return formatPercent(whole <= 0 ? 0 : part / whole);
}

/** "1 process", "212 processes". */
export function numberOfProcesses(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "process" : "processes"}`;
}
