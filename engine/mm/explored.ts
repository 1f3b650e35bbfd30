/**
 * What kernels have that operations take point by point: every page an identity and contents, so that lost writes can be seen,
 * and every entry a step of its own, so that others can come between two. The plain form of the paths has none of it (plain/).
 */

import type { MmuGather } from "./gather.ts";
import { PTRS_PER_TABLE } from "./geometry.ts";
import { PAGE_ID_SHIFT, ptePageId } from "./pte.ts";
import type { KernelState } from "./state.ts";

/**
 * The identity of a new page, in its place in an entry; the page holds `value`.
 * @plain 0
 */
export function newPage(k: KernelState, value: number): number {
  const id = k.nextPageIds[k.cpu];
  k.nextPageIds[k.cpu] += k.nextPageIds.length;
  k.pages.set(id, value);
  return (id << PAGE_ID_SHIFT) >>> 0;
}

/**
 * What the page holds that `pte` maps.
 * @plain 0
 */
export function pageContents(k: KernelState, pte: number): number {
  return k.pages.get(ptePageId(pte)) ?? 0;
}

/**
 * The gather has taken the page that `pte` maps.
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
 * __collapse_huge_page_copy(): the pages of table `row` are parts of the huge page from now on that it will be deposited under.
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
 * Does a walker hold a reference of table `row`, without any lock?
 * @plain false
 */
export function isWalked(k: KernelState, row: number): boolean {
  return k.tableRefs.has(row);
}

/**
 * Are entries that are alike dealt with one at a time?
 * @plain false
 */
export function oneAtATime(): boolean {
  return true;
}

/**
 * Has a timer tick asked the running CPU to give way? Once for each tick.
 * @plain false
 */
export function takeResched(k: KernelState): boolean {
  const pending = k.reschedPending[k.cpu];
  if (pending) k.reschedPending[k.cpu] = false;
  return pending;
}
