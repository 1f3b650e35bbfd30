/**
 * State of kernels that run operations point by point: every page has an identity and contents, so that lost writes can be seen,
 * and every entry is a step of its own, so that other CPUs can interleave. The plain form of the paths has none of this (plain/).
 */

import type { MmuGather } from "./gather.ts";
import { PTRS_PER_TABLE } from "./geometry.ts";
import { PAGE_ID_SHIFT, ptePageId } from "./pte.ts";
import type { KernelState } from "./state.ts";

/**
 * The identity of a new page, shifted into its place in an entry; the page holds `value`.
 * @plain 0
 */
export function newPage(k: KernelState, value: number): number {
  const id = k.nextPageIds[k.cpu];
  k.nextPageIds[k.cpu] += k.nextPageIds.length;
  k.pages.set(id, value);
  return (id << PAGE_ID_SHIFT) >>> 0;
}

/**
 * The contents of the page that `pte` maps.
 * @plain 0
 */
export function pageContents(k: KernelState, pte: number): number {
  return k.pages.get(ptePageId(pte)) ?? 0;
}

/**
 * The page that `pte` maps was added to the gather.
 * @plain nothing
 */
export function gatherPageId(tlb: MmuGather, pte: number): void {
  tlb.pageIds.push(ptePageId(pte));
}

/**
 * tlb_batch_pages_flush(): the contents of the gathered pages are gone.
 * @plain nothing
 */
export function freePages(k: KernelState, tlb: MmuGather): void {
  for (const id of tlb.pageIds) k.pages.delete(id);
  tlb.pageIds.length = 0;
}

/**
 * __collapse_huge_page_copy(): the pages of table `row` become parts of the huge page under which it will be deposited.
 * @plain nothing
 */
export function collapsePages(k: KernelState, row: number): void {
  const parts = new Map<number, number>();
  for (let at = 0; at < PTRS_PER_TABLE; at++) {
    const id = ptePageId(k.tables.pte(row, at));
    if (id !== 0) parts.set(at, id);
  }
  k.hugePages.set(row, parts);
}

/**
 * Does a lockless walker hold a reference to table `row`?
 * @plain false
 */
export function isWalked(k: KernelState, row: number): boolean {
  return k.tableRefs.has(row);
}

/**
 * Are equal entries handled one at a time?
 * @plain false
 */
export function oneAtATime(): boolean {
  return true;
}

/**
 * Has a timer tick asked the running CPU to reschedule? True once per tick.
 * @plain false
 */
export function takeResched(k: KernelState): boolean {
  const pending = k.reschedPending[k.cpu];
  if (pending) k.reschedPending[k.cpu] = false;
  return pending;
}
