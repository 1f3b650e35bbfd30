/** What a row of the list of processes says, in the window and in its picture. */
import { formatCount, formatKb, formatPercent } from "../../engine/experiment/format.ts";
import { TABLE_KB } from "../../engine/live/look.ts";
import { printable } from "../lib/printable.ts";
import type { ListRow } from "./live.svelte.ts";

export const rowName = ({ name }: ListRow): string => printable(name);

/** Its pid, or of how many processes it is. */
export const rowAbout = ({ pid, pids }: ListRow): string =>
  pid === null ? `${formatCount(pids.length)} processes` : String(pid);

export function emptyWords({ empty: { min, estimate, max } }: ListRow): string {
  if (max === 0) return "0";
  const about = estimate === 0 ? "0" : formatKb(estimate * TABLE_KB);
  return min === max ? about : `${about} ±${formatKb(Math.max(max - estimate, estimate - min) * TABLE_KB)}`;
}

export const shareOfRss = ({ vmpteKb, rssKb }: ListRow): string => (rssKb > 0 ? formatPercent(vmpteKb / rssKb) : "");

/** What the lines of the rows are over. */
export function spanWords({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): string {
  const minutes = Math.round((toMs - fromMs) / 60_000);
  return minutes < 2 ? "last minute" : `last ${minutes} min`;
}
