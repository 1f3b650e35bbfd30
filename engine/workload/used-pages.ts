/** Which pages of a process have an entry in its page tables. */
import { PMD_PAGES } from "../mm/geometry.ts";
import { pmdEntry } from "../mm/pgtable.ts";
import type { KernelState, Mm } from "../mm/state.ts";

/** Pages [start, end) that have an entry (present, swapped, or a marker), in order, neighbours as one. */
export function usedPages(state: KernelState, mm: Mm, start: number, end: number): { start: number; end: number }[] {
  const used: { start: number; end: number }[] = [];
  const add = (from: number, to: number): void => {
    const last = used.at(-1);
    if (last?.end === from) last.end = to;
    else used.push({ start: from, end: to });
  };
  const { tables } = state;
  for (let slot = Math.floor(start / PMD_PAGES); slot * PMD_PAGES < end; slot++) {
    const first = slot * PMD_PAGES;
    const row = pmdEntry(state, mm, first);
    if (row === 0) continue;
    const from = Math.max(start, first);
    const to = Math.min(end, first + PMD_PAGES);
    if (row < 0 || tables.count[row] === PMD_PAGES) add(from, to);
    else if (tables.count[row] > 0)
      for (let page = from; page < to; page++) if (tables.pte(row, page - first) !== 0) add(page, page + 1);
  }
  return used;
}

/** How many entries the table of a 2 MiB slot has; all of them under a huge page. */
export function entriesIn(state: KernelState, mm: Mm, slot: number): number {
  const row = pmdEntry(state, mm, slot * PMD_PAGES);
  return row < 0 ? PMD_PAGES : row === 0 ? 0 : state.tables.count[row];
}

/** Is the slot under a huge page? */
export function isHugeSlot(state: KernelState, mm: Mm, slot: number): boolean {
  return pmdEntry(state, mm, slot * PMD_PAGES) < 0;
}
