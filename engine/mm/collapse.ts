/**
 * Collapsing small pages into a huge one (mm/khugepaged.c): for khugepaged and for MADV_COLLAPSE. Private memory turns its
 * PTE table into the deposited one; shmem gets a huge folio in its cache and the tables that mapped the small pages are freed.
 */

import { collapseFile, collapsePteMappedThp } from "./collapse-file.ts";
import type { Errno } from "./errno.ts";
import { collapsePages } from "./explored.ts";
import { PMD_PAGES, PTRS_PER_TABLE, pmdIndex, pmdStart } from "./geometry.ts";
import { pmdTable } from "./pgtable.ts";
import { chargeCounts } from "./policy-cost.ts";
import {
  KIND_ANON,
  KIND_MASK,
  KIND_SWAP,
  KIND_ZERO,
  PTE_DIRTY,
  PTE_EXCLUSIVE,
  PTE_UFFD_WP,
  PTE_WRITE,
  PTE_YOUNG,
} from "./pte.ts";
import {
  lock,
  OBJ_MMAP_LOCK,
  OBJ_PMD_ENTRY,
  OBJ_PML,
  OBJ_PTL,
  OBJ_TLB,
  type Path,
  point,
  schedObject,
  unlock,
} from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { setHugeInPlace, thpSuitable } from "./thp.ts";
import { shmemHugeFor, thpEnabledFor } from "./thp-enabled.ts";
import { tlbInvalidate } from "./tlb.ts";
import { VM_HUGETLB, VM_NOHUGEPAGE, VM_WRITE, type Vma, vmaIsAnonymous } from "./vma.ts";
import { vmaEndWrite, vmaStartWrite } from "./vma-lock.ts";

/** enum scan_result, as far as callers distinguish it. */
export type ScanResult =
  | "succeed"
  | "pmd_mapped"
  | "pmd_null"
  | "pmd_none"
  | "pte_mapped_hugepage"
  | "exceed_none"
  | "exceed_swap"
  | "exceed_shared"
  | "uffd_wp"
  | "page_ro"
  | "lack_referenced"
  | "page_count"
  | "vma_check"
  | "fail";

/** thp_vma_allowable_order() with TVA_FORCED_COLLAPSE. */
function collapsible(vma: Vma): boolean {
  if ((vma.flags & (VM_NOHUGEPAGE | VM_HUGETLB)) !== 0) return false;
  if (vma.end - vma.start < PMD_PAGES || !thpSuitable(vma, vma.end - PMD_PAGES)) return false;
  return !vmaIsAnonymous(vma) || vma.anonVma !== null;
}

/** hpage_collapse_scan_pmd(): what the slot at `page` of private memory is fit for. */
function scanPmd(k: KernelState, vma: Vma, pmd: number, index: number, byKhugepaged: boolean): ScanResult {
  // khugepaged has limits; MADV_COLLAPSE has none.
  const { khugepagedMaxPtesNone, khugepagedMaxPtesSwap, khugepagedMaxPtesShared } = k.profile;
  if (pmd === 0) return "pmd_null";
  const entry = k.tables.child(pmd, index);
  if (entry === 0) return "pmd_none";
  if (entry < 0) return "pmd_mapped";
  let none = 0;
  let swapped = 0;
  let shared = 0;
  let referenced = 0;
  let writable = false;
  for (let at = 0; at < PTRS_PER_TABLE; ) {
    const pte = k.tables.pte(entry, at);
    const stop = k.tables.stretchEnd(entry, at, PTRS_PER_TABLE);
    const n = stop - at;
    const kind = pte & KIND_MASK;
    at = stop;
    if (pte === 0 || kind === KIND_ZERO) {
      none += n;
      if (vma.uffd !== null || (byKhugepaged && none > khugepagedMaxPtesNone)) return "exceed_none";
      continue;
    }
    if (kind >= KIND_SWAP) {
      swapped += n;
      if (byKhugepaged && swapped > khugepagedMaxPtesSwap) return "exceed_swap";
      if ((pte & PTE_UFFD_WP) !== 0) return "uffd_wp";
      if (kind !== KIND_SWAP) return "fail";
      continue;
    }
    if ((pte & PTE_UFFD_WP) !== 0) return "uffd_wp";
    if (kind !== KIND_ANON) return "fail";
    if ((pte & PTE_EXCLUSIVE) === 0) {
      shared += n;
      if (byKhugepaged && shared > khugepagedMaxPtesShared) return "exceed_shared";
    }
    if ((pte & PTE_YOUNG) !== 0) referenced += n;
    if ((pte & PTE_WRITE) !== 0) writable = true;
  }
  if (!writable && !k.profile.collapseReadOnly) return "page_ro";
  if (byKhugepaged && (referenced === 0 || (swapped > 0 && referenced < PTRS_PER_TABLE / 2))) return "lack_referenced";
  return "succeed";
}

/**
 * collapse_huge_page(): the pages under the PMD entry become one huge page. Takes the mmap lock for writing, and the VMA's, which keeps
 * faults and DONTNEED away; the entry is cleared under the PMD lock first, so that lockless walkers see none. Returns false if the
 * entry changed since it was scanned. Before the fix of 6.17 the entry was checked before the VMA was locked: the table may
 * be gone by then. (The kernel then reads a none entry and installs the table that it would name; here the checked table is used.)
 */
export function* collapseHugePage(k: KernelState, mm: Mm, vma: Vma, page: number): Path<boolean> {
  const fn = "collapse_huge_page";
  const tables = k.tables;
  const mmapLock = schedObject(OBJ_MMAP_LOCK, mm.id);
  yield* lock(k, fn, mmapLock);
  const recheckCollapse = k.options.patches.recheckCollapse;
  if (recheckCollapse) yield* vmaStartWrite(k, vma);
  const pmd = pmdTable(k, mm, page);
  const index = pmdIndex(page);
  yield point(k, "check_pmd_still_valid", "pmd_read", schedObject(OBJ_PMD_ENTRY, pmd, index), false);
  const row = pmd === 0 ? 0 : tables.child(pmd, index);
  if (row <= 0) {
    if (recheckCollapse) yield* vmaEndWrite(k, vma);
    yield* unlock(k, fn, mmapLock);
    return false;
  }
  if (!recheckCollapse) yield* vmaStartWrite(k, vma);
  yield* lock(k, fn, schedObject(OBJ_PML, pmd));
  yield point(k, "pmdp_collapse_flush", "pmd_write", schedObject(OBJ_PMD_ENTRY, pmd, index), true);
  tables.setChild(pmd, index, 0);
  yield point(k, "pmdp_collapse_flush", "tlb_flush", schedObject(OBJ_TLB, 0), true);
  tlbInvalidate(k, mm, page, page + PMD_PAGES);
  yield* unlock(k, fn, schedObject(OBJ_PML, pmd));
  yield* lock(k, "__collapse_huge_page_isolate", schedObject(OBJ_PTL, row));
  let present = 0;
  let swapped = 0;
  for (let at = tables.nextPte(row, 0, PTRS_PER_TABLE); at < PTRS_PER_TABLE; ) {
    const stop = tables.stretchEnd(row, at, PTRS_PER_TABLE);
    const kind = tables.pte(row, at) & KIND_MASK;
    if (kind === KIND_ANON) present += stop - at;
    else if (kind === KIND_SWAP) swapped += stop - at;
    at = tables.nextPte(row, stop, PTRS_PER_TABLE);
  }
  collapsePages(k, row);
  if (tables.count[row] > 0) tables.fillPte(row, 0, PTRS_PER_TABLE, 0);
  mm.rssAnon += PMD_PAGES - present;
  mm.swapEntries -= swapped;
  k.timeNs += k.options.cost.hugePage;
  yield* unlock(k, "__collapse_huge_page_isolate", schedObject(OBJ_PTL, row));
  yield* lock(k, fn, schedObject(OBJ_PML, pmd));
  yield point(k, fn, "pmd_write", schedObject(OBJ_PMD_ENTRY, pmd, index), true);
  const writable = (vma.flags & VM_WRITE) !== 0 ? PTE_WRITE : 0;
  setHugeInPlace(k, mm, pmd, index, row, KIND_ANON | PTE_DIRTY | PTE_YOUNG | PTE_EXCLUSIVE | writable);
  if (k.countNs > 0) chargeCounts(k, 1);
  k.stats.collapses++;
  yield* unlock(k, fn, schedObject(OBJ_PML, pmd));
  yield* vmaEndWrite(k, vma);
  yield* unlock(k, fn, mmapLock);
  return true;
}

/** One slot, by khugepaged or MADV_COLLAPSE. */
function* collapseSlot(k: KernelState, mm: Mm, vma: Vma, page: number, byKhugepaged: boolean): Path<ScanResult> {
  if (vmaIsAnonymous(vma)) {
    const scanned = scanPmd(k, vma, pmdTable(k, mm, page), pmdIndex(page), byKhugepaged);
    if (scanned !== "succeed") return scanned;
    return (yield* collapseHugePage(k, mm, vma, page)) ? "succeed" : "pmd_null";
  }
  const result = yield* collapseFile(k, byKhugepaged ? null : mm, vma, page);
  return result === "pte_mapped_hugepage" ? collapsePteMappedThp(k, mm, vma, page) : result;
}

/** madvise_collapse_errno(). */
function collapseErrno(result: ScanResult): Errno {
  switch (result) {
    case "exceed_none":
    case "exceed_swap":
    case "exceed_shared":
      return "EBUSY";
    case "page_count":
      return "EAGAIN";
    default:
      return "EINVAL";
  }
}

/** After these results MADV_COLLAPSE goes on with the next slot, after a none entry by the kernel's version; after others it ends. */
const GOES_ON: ReadonlySet<ScanResult> = new Set<ScanResult>([
  "pmd_null",
  "uffd_wp",
  "page_ro",
  "lack_referenced",
  "page_count",
]);

/** madvise_collapse() of [start, end), which lies in `vma`, in pages: every whole slot becomes a huge page. */
export function* madviseCollapse(k: KernelState, mm: Mm, vma: Vma, start: number, end: number): Path<Errno | null> {
  if (!collapsible(vma)) return "EINVAL";
  const first = pmdStart(start + PMD_PAGES - 1);
  const last = pmdStart(end);
  if (last < first) return k.profile.collapseShort ? null : "EINVAL";
  let collapsed = 0;
  let lastFailure: ScanResult = "fail";
  for (let page = first; page < last; page += PMD_PAGES) {
    const result = yield* collapseSlot(k, mm, vma, page, false);
    if (result === "succeed" || result === "pmd_mapped") {
      collapsed++;
      continue;
    }
    lastFailure = result;
    const goesOn = result === "pmd_none" ? k.profile.collapseSkipsNone : GOES_ON.has(result);
    if (!goesOn) break;
  }
  return collapsed === (last - first) / PMD_PAGES ? null : collapseErrno(lastFailure);
}

/** thp_vma_allowable_order() with TVA_KHUGEPAGED. */
function khugepagedVisits(k: KernelState, vma: Vma): boolean {
  if (vma.file === null) return thpEnabledFor(k.thp.pmd, vma);
  return shmemHugeFor(k.profile, vma.file, vma, vma.pgoff);
}

/** khugepaged visits every slot that may have a huge page. The work is bounded by the size of the processes. */
export function* khugepagedScan(k: KernelState): Path<void> {
  for (const mm of k.processes) {
    for (const vma of [...mm.vmas.list]) {
      if (!khugepagedVisits(k, vma) || !collapsible(vma)) continue;
      const first = pmdStart(vma.start + PMD_PAGES - 1);
      for (let page = first; page + PMD_PAGES <= vma.end; page += PMD_PAGES)
        yield* collapseSlot(k, mm, vma, page, true);
    }
  }
}
