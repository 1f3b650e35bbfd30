import { formatCount } from "../../engine/experiment/format.ts";
import { WINDOW_BYTES } from "../../engine/live/look.ts";
import type { Picture } from "../../engine/live/picture.ts";

/** States of the slot that one PTE table maps, in the order of the map's counts. */
export const MAP_STATES = [
  { id: "full", label: "full", meaning: "every entry used" },
  { id: "partly", label: "partly used", meaning: "some entries used, not all" },
  { id: "empty", label: "empty", meaning: "a table that maps nothing: what the series frees" },
  { id: "huge", label: "huge page", meaning: "mapped by one entry above" },
  { id: "freed", label: "freed", meaning: "had a table once" },
  { id: "none", label: "no table", meaning: "nothing was used here" },
] as const;

export const STATES = MAP_STATES.length;

/** Entries of one table, in the order of the map's numbers for them; drawn so many beside each other. */
export const ENTRY_KINDS = ["none", "page", "zero page", "swap", "other"] as const;
export const ENTRY_COLUMNS = 64;

/** The slot (address / 2 MiB) at a place of the segments laid end to end; undefined beyond them. */
export function slotAt(segments: Picture["segments"], index: number): number | undefined {
  let passed = 0;
  for (const { slot, slots } of segments) {
    if (index < passed + slots) return slot + index - passed;
    passed += slots;
  }
  return undefined;
}

/** The address at which a slot begins: "0x7fff c000 0000". Groups of four digits, as nobody counts twelve. */
export function slotAddress(slot: number): string {
  const digits = (slot * WINDOW_BYTES).toString(16).padStart(12, "0");
  return `0x${digits.replace(/(?=(?:.{4})+$)(?!^)/g, " ")}`;
}

/** Which slots a cell stands for: its first, and how many. */
export function cellSlots(
  map: { from: number; count: number; cells: number },
  cell: number,
): { from: number; count: number } {
  const perCell = Math.max(1, Math.ceil(map.count / Math.max(1, map.cells)));
  const from = map.from + cell * perCell;
  return { from, count: Math.min(perCell, map.from + map.count - from) };
}

/** "40 empty, 3 full": the states of a cell, the most frequent first. */
export function cellWords(counts: Uint32Array, cell: number): string {
  return MAP_STATES.map(({ label }, at) => ({ label, count: counts[cell * STATES + at] ?? 0 }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .map(({ label, count }) => `${formatCount(count)} ${label}`)
    .join(", ");
}

/** How many slots of the map are in each state. */
export function mapTotals(counts: Uint32Array): number[] {
  const totals = new Array<number>(STATES).fill(0);
  for (let at = 0; at < counts.length; at++) totals[at % STATES] += counts[at];
  return totals;
}
