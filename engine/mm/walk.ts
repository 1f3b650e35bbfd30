/** Walking a VMA's part of a range table by table (mm/pagewalk.c), for paths that only read. */

import { PUD_PAGES, pmdAddrEnd, pmdIndex, pmdStart, pteIndex, slotEnd } from "./geometry.ts";
import { pmdTable } from "./pgtable.ts";
import { chargeCounts } from "./policy-cost.ts";
import type { KernelState, Mm } from "./state.ts";

/**
 * Calls `visit` for each PMD slot of [start, end) whose entry is not none, with the PMD table, the index in it, and the part of
 * the range that lies in the slot, in pages.
 */
export function walkPmds(
  k: KernelState,
  mm: Mm,
  start: number,
  end: number,
  visit: (pmd: number, index: number, page: number, stop: number) => void,
): void {
  for (let page = start; page < end; ) {
    const pmd = pmdTable(k, mm, page);
    if (pmd === 0) {
      page = slotEnd(page, end, PUD_PAGES);
      continue;
    }
    const stop = pmdAddrEnd(page, end);
    const index = pmdIndex(page);
    if (k.tables.child(pmd, index) !== 0) {
      if (k.countNs > 0) chargeCounts(k, 1);
      visit(pmd, index, page, stop);
    }
    page = stop;
  }
}

/** Entries of a PTE table that a part of a slot covers: [from, to). Small integers, unlike differences of page numbers (zap.ts). */
export function entryRange(page: number, stop: number): { from: number; to: number } {
  return { from: pteIndex(page), to: (stop - pmdStart(page)) | 0 };
}
