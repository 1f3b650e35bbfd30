/**
 * Freeing tables that no VMA can use any more (mm/memory.c: free_pgtables, free_pgd_range and below). This depends on where
 * the neighbouring VMAs are (floor and ceiling), never what the tables hold. Ceiling 0 means the end of the address space.
 */

import type { MmuGather } from "./gather.ts";
import {
  LEVEL_PGD,
  P4D_PAGES,
  PGD5_PAGES,
  PMD_PAGES,
  PUD_PAGES,
  p4dIndex,
  pgd5Index,
  pmdIndex,
  pmdStart,
  pudIndex,
  slotEnd,
  slotStart,
} from "./geometry.ts";
import { tlbRemoveTable } from "./mmu-gather.ts";
import { forgetWalk } from "./pgtable.ts";
import type { Path } from "./sched.ts";
import type { KernelState } from "./state.ts";
import type { Vma } from "./vma.ts";

/** May the table of `slotPages` that begins at or below `start` go, given what else lies in its slot? */
function slotIsFree(start: number, end: number, floor: number, ceiling: number, slotPages: number): boolean {
  if (slotStart(start, slotPages) < floor) return false;
  if (ceiling === 0) return true;
  const limit = slotStart(ceiling, slotPages);
  return limit !== 0 && end <= limit;
}

/** free_pte_range() and free_pmd_range(): the PTE tables of [page, end), then the PMD table, which is PUD entry `index`. */
function* freePmdRange(
  k: KernelState,
  tlb: MmuGather,
  pud: number,
  index: number,
  start: number,
  end: number,
  floor: number,
  ceiling: number,
): Path<void> {
  const tables = k.tables;
  const pmd = tables.child(pud, index);
  const base = slotStart(start, PUD_PAGES);
  const last = Math.ceil((end - base) / PMD_PAGES);
  for (let at = tables.nextChild(pmd, pmdIndex(start), last); at < last; at = tables.nextChild(pmd, at + 1, last)) {
    const row = tables.child(pmd, at);
    tables.setChild(pmd, at, 0);
    tlb.mm.ptes--;
    yield* tlbRemoveTable(k, tlb, row, base + at * PMD_PAGES);
  }
  tables.forgetMarks(pmd, pmdIndex(start), last);
  if (!slotIsFree(start, end, floor, ceiling, PUD_PAGES)) return;
  tables.setChild(pud, index, 0);
  forgetWalk(tlb.mm);
  tlb.mm.pmds--;
  yield* tlbRemoveTable(k, tlb, pmd, start);
}

/** free_pud_range(): within one PUD table, which is entry `index` of `parent`. */
function* freePudRange(
  k: KernelState,
  tlb: MmuGather,
  parent: number,
  index: number,
  start: number,
  end: number,
  floor: number,
  ceiling: number,
): Path<void> {
  const pud = k.tables.child(parent, index);
  for (let page = start; page < end; ) {
    const next = slotEnd(page, end, PUD_PAGES);
    const at = pudIndex(page);
    if (k.tables.child(pud, at) !== 0) yield* freePmdRange(k, tlb, pud, at, page, next, floor, ceiling);
    page = next;
  }
  if (!slotIsFree(start, end, floor, ceiling, P4D_PAGES)) return;
  k.tables.setChild(parent, index, 0);
  tlb.mm.puds--;
  yield* tlbRemoveTable(k, tlb, pud, start);
}

/** free_p4d_range(): within one P4D table, or the root where it is folded. */
function* freeP4dRange(
  k: KernelState,
  tlb: MmuGather,
  p4d: number,
  start: number,
  end: number,
  floor: number,
  ceiling: number,
): Path<void> {
  for (let page = start; page < end; ) {
    const next = slotEnd(page, end, P4D_PAGES);
    const at = p4dIndex(page);
    if (k.tables.child(p4d, at) !== 0) yield* freePudRange(k, tlb, p4d, at, page, next, floor, ceiling);
    page = next;
  }
}

/** free_pgd_range(): [addr, end) was unmapped; nothing else is mapped in [floor, ceiling). */
function* freePgdRange(
  k: KernelState,
  tlb: MmuGather,
  addr: number,
  end: number,
  floor: number,
  ceiling: number,
): Path<void> {
  let start = pmdStart(addr);
  if (start < floor) start += PMD_PAGES;
  let stop = end;
  if (ceiling !== 0) {
    const limit = pmdStart(ceiling);
    if (limit === 0) return;
    if (stop > limit) stop -= PMD_PAGES;
  }
  if (start >= stop) return;
  if (k.rootLevel !== LEVEL_PGD) {
    yield* freeP4dRange(k, tlb, tlb.mm.pgd, start, stop, floor, ceiling);
    return;
  }
  for (let page = start; page < stop; ) {
    const next = slotEnd(page, stop, PGD5_PAGES);
    const index = pgd5Index(page);
    const p4d = k.tables.child(tlb.mm.pgd, index);
    if (p4d !== 0) {
      yield* freeP4dRange(k, tlb, p4d, page, next, floor, ceiling);
      if (slotIsFree(page, next, floor, ceiling, PGD5_PAGES)) {
        k.tables.setChild(tlb.mm.pgd, index, 0);
        yield* tlbRemoveTable(k, tlb, p4d, page);
      }
    }
    page = next;
  }
}

/** free_pgtables(): for the VMAs of an unmapping, in order; VMAs less than a PMD apart are freed together. */
export function* freePgtables(
  k: KernelState,
  tlb: MmuGather,
  vmas: readonly Vma[],
  floor: number,
  ceiling: number,
): Path<void> {
  for (let at = 0; at < vmas.length; ) {
    const addr = vmas[at].start;
    let end = vmas[at].end;
    at++;
    while (at < vmas.length && vmas[at].start <= end + PMD_PAGES) {
      end = vmas[at].end;
      at++;
    }
    yield* freePgdRange(k, tlb, addr, end, floor, at < vmas.length ? vmas[at].start : ceiling);
  }
}
