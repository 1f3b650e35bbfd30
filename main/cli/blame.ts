/** Who left which page tables behind, as `run` and `show` print it (engine/experiment/blame.ts). */
import { type BlameEntry, blameGaps, blameReason } from "../../engine/experiment/blame.ts";
import { formatCount, formatKb } from "../../engine/experiment/format.ts";
import { table } from "./print.ts";

const SHOWN = 10;
const FRAMES_SHOWN = 6;

/** The heaviest call stacks behind empty tables; no line where none is empty. */
export function blameText(blame: readonly BlameEntry[]): string[] {
  const total = blame.reduce((sum, { tables }) => sum + tables, 0);
  if (total === 0) return [];
  const rows = blame
    .slice(0, SHOWN)
    .map(({ stack, reason, tables, kb }) => [
      formatCount(tables),
      formatKb(kb),
      stack.length > 0 ? stack.slice(-FRAMES_SHOWN).join(" > ") : "(no stack)",
      blameReason(reason),
    ]);
  const gaps = blameGaps(blame);
  return [
    "",
    `Who emptied the ${formatCount(total)} tables that are empty:`,
    table([["tables", "", "in", "and they stay"], ...rows], new Set([0, 1])),
    ...(blame.length > SHOWN ? [`and ${formatCount(blame.length - SHOWN)} more places`] : []),
    ...(gaps === null ? [] : [gaps]),
  ];
}
