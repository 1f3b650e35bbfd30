/**
 * Freeing the empty tables of a range: for tasks on their way back to user space (mm/freept.c of the RFC of June 2024), and for
 * madvise(MADV_PT_RECLAIM), which was proposed in its thread. Ranges are in pages.
 */

import { deferEmptyTable, detachEmptyTable, flushTable, looksEmpty } from "./empty-table.ts";
import type { Errno } from "./errno.ts";
import { PMD_PAGES, PUD_PAGES, pmdIndex, pmdStart, slotEnd } from "./geometry.ts";
import { pmdTable } from "./pgtable.ts";
import { charge, endCall } from "./policy-cost.ts";
import {
  lock,
  OBJ_PMD_ENTRY,
  OBJ_PML,
  OBJ_PTL,
  OBJ_TABLE,
  OBJ_TLB,
  type Path,
  point,
  schedObject,
  unlock,
} from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { VM_HUGETLB, VM_UFFD_WP, type Vma } from "./vma.ts";

/** freept_pmd_entry(): takes the PMD lock and the PTE lock, and frees the table if all its entries are none. */
function* freePtEntry(k: KernelState, mm: Mm, pmd: number, index: number, base: number): Path<void> {
  const fn = "freept_pmd_entry";
  const pml = schedObject(OBJ_PML, pmd);
  yield* lock(k, fn, pml);
  const row = k.tables.child(pmd, index);
  if (row <= 0) {
    yield* unlock(k, fn, pml);
    return;
  }
  const ptl = schedObject(OBJ_PTL, row);
  yield* lock(k, fn, ptl);
  charge(k, 2 * k.options.cost.lock);
  const empty = looksEmpty(k, mm, row, base);
  if (empty) {
    yield point(k, fn, "pmd_write", schedObject(OBJ_PMD_ENTRY, pmd, index), true);
    detachEmptyTable(k, row);
  }
  yield* unlock(k, fn, ptl);
  yield* unlock(k, fn, pml);
  if (!empty) return;
  yield point(k, fn, "tlb_flush", schedObject(OBJ_TLB, 0), true);
  flushTable(k);
  yield point(k, fn, "free_table", schedObject(OBJ_TABLE, row), true);
  deferEmptyTable(k, row);
  k.stats.reclaimedSlow++;
}

/** Frees the empty tables whose 2 MiB lie whole in [start, end), which lies in one VMA. */
function* freePtRange(k: KernelState, mm: Mm, start: number, end: number): Path<void> {
  const stop = pmdStart(end);
  for (let page = pmdStart(start + PMD_PAGES - 1); page < stop; ) {
    const pmd = pmdTable(k, mm, page);
    const next = slotEnd(page, stop, PUD_PAGES);
    if (pmd !== 0) {
      const first = pmdIndex(page);
      const last = first + (next - page) / PMD_PAGES;
      for (let at = k.tables.nextChild(pmd, first, last); at < last; at = k.tables.nextChild(pmd, at + 1, last))
        yield* freePtEntry(k, mm, pmd, at, page + (at - first) * PMD_PAGES);
    }
    page = next;
  }
}

function scanned(vma: Vma): boolean {
  return (vma.flags & (VM_HUGETLB | VM_UFFD_WP)) === 0;
}

/**
 * task_mm_pgtable_work(): scans `pages` of what the process has mapped, from where the last scan ended. At the end of the address space
 * it ends, and the next one begins at the start. The mmap lock is held for reading.
 */
export function* scanMm(k: KernelState, mm: Mm, pages: number): Path<void> {
  const { list } = mm.vmas;
  let left = pages;
  charge(k, k.options.cost.lock);
  for (let at = mm.vmas.indexAbove(mm.scanFrom); at < list.length; at++) {
    const vma = list[at];
    if (!scanned(vma)) continue;
    const start = Math.max(vma.start, mm.scanFrom);
    const end = Math.min(vma.end, start + left);
    // What a part of a slot is left over at `end` is looked at from its start by the next.
    yield* freePtRange(k, mm, start, end);
    left -= end - start;
    if (left > 0) continue;
    mm.scanFrom = end === vma.end ? end : pmdStart(end);
    return;
  }
  mm.scanFrom = 0;
}

/** One full pass of the scanner over every process. */
export function* scanAll(k: KernelState): Path<void> {
  k.payer = "nobody";
  for (const mm of k.processes) {
    if (!mm.alive) continue;
    mm.scanFrom = 0;
    yield* scanMm(k, mm, Number.POSITIVE_INFINITY);
  }
  k.payer = "call";
}

/** Every process that lives gives MADV_PT_RECLAIM for all that it has mapped, in a call of its own. */
function* askForAll(k: KernelState): Path<void> {
  for (const mm of k.processes) {
    if (!mm.alive) continue;
    charge(k, k.options.cost.syscall);
    for (const vma of mm.vmas.list) yield* freePtRange(k, mm, vma.start, vma.end);
    endCall(k);
  }
}

/** Simulated time reached k.dueNs: a scan of every process is due, or the advice. However late, it runs once. */
export function* runDue(k: KernelState): Path<void> {
  const { scan, ask } = k.options.features;
  if (scan !== null) {
    k.payer = "nobody";
    for (const mm of k.processes) if (mm.alive) yield* scanMm(k, mm, scan.pages);
    k.payer = "call";
  }
  if (ask !== null) yield* askForAll(k);
  k.dueNs = k.timeNs + Math.min(scan?.intervalNs ?? Infinity, ask?.intervalNs ?? Infinity);
}

/** madvise(MADV_PT_RECLAIM) within one VMA. */
export function* madvisePtReclaim(k: KernelState, mm: Mm, start: number, end: number): Path<Errno | null> {
  yield* freePtRange(k, mm, start, end);
  return null;
}
