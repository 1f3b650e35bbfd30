/** Collapsing the cache of a file, and detaching the tables that mapped its small pages (mm/khugepaged.c). */

import { fileOf, type MappedFile } from "./file.ts";
import { unmapFileEntries } from "./file-folio.ts";
import { PMD_PAGES, PTRS_PER_TABLE, pmdIndex } from "./geometry.ts";
import { pmdAlloc, pmdTable, pteFreeDefer } from "./pgtable.ts";
import { KIND_FILE, KIND_MASK } from "./pte.ts";
import { pteOffsetMapLock, pteUnmapUnlock } from "./pte-map.ts";
import {
  lock,
  OBJ_FOLIO_LOCK,
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
import { accountHuge, setHugeBare, thpSuitable } from "./thp.ts";
import { tlbInvalidate } from "./tlb.ts";
import { VM_NOHUGEPAGE, type Vma } from "./vma.ts";

type FileResult = "succeed" | "pmd_mapped" | "pmd_null" | "pte_mapped_hugepage" | "vma_check" | "uffd_wp" | "fail";

/**
 * hpage_collapse_scan_file() and collapse_file(): the 512 pages of the file behind the slot at `page` become one folio.
 * `mm`: the caller of MADV_COLLAPSE, null for khugepaged.
 */
export function* collapseFile(k: KernelState, mm: Mm | null, vma: Vma, page: number): Path<FileResult> {
  const file = fileOf(vma);
  const offset = vma.pgoff + (page - vma.start);
  const chunk = Math.floor(offset / PMD_PAGES);
  if (file.hugeCached.has(chunk)) return "pte_mapped_hugepage";
  // Of shmem it is the cache that counts, not the size: the huge page reaches over the end of the file.
  if (!file.shmem && offset + PMD_PAGES > file.sizePages) return "fail";
  // SCAN_TRUNCATED: there is nothing in the cache to collapse.
  if (!anyCached(file, offset)) return "fail";
  // The new folio is locked from here to the end: whoever refaults waits for it.
  const folio = schedObject(OBJ_FOLIO_LOCK, 1);
  yield* lock(k, "collapse_file", folio);
  // try_to_unmap() on each small page: every mapping of them goes, the tables stay for now.
  for (const each of k.processes) {
    for (const other of each.vmas.list) {
      if (other.file !== file) continue;
      const at = other.start + (chunk * PMD_PAGES - other.pgoff);
      yield* unmapFilePages(k, each, other, at, at + PMD_PAGES);
    }
  }
  for (let i = offset; i < offset + PMD_PAGES; i++) {
    file.cached.delete(i);
    file.clean.delete(i);
    file.swapped.delete(i);
  }
  file.hugeCached.add(chunk);
  k.stats.collapses++;
  k.timeNs += k.options.cost.hugePage;
  const onlyOurs = mm !== null && !k.profile.collapseRetractsAll;
  const result = onlyOurs ? retractOurs(k, mm, vma, page) : "pte_mapped_hugepage";
  if (!onlyOurs) yield* retractPageTables(k, file, chunk * PMD_PAGES);
  yield* unlock(k, "collapse_file", folio);
  // For MADV_COLLAPSE: the process itself may still map small pages, which collapse_pte_mapped_thp() sees to.
  return result;
}

/** Has the cache a page, or a swap entry for one, among the 512 from `offset` on? */
function anyCached(file: MappedFile, offset: number): boolean {
  for (let i = offset; i < offset + PMD_PAGES; i++) if (file.cached.has(i) || file.swapped.has(i)) return true;
  return false;
}

/** Removes the mappings of small file pages in [start, end) of `vma`; private copies stay. */
function* unmapFilePages(k: KernelState, mm: Mm, vma: Vma, start: number, end: number): Path<void> {
  const from = Math.max(start, vma.start);
  const stop = Math.min(end, vma.end);
  for (let page = from; page < stop; ) {
    const next = Math.min(stop, page - (page % PMD_PAGES) + PMD_PAGES);
    const pmd = pmdTable(k, mm, page);
    if (pmd !== 0) {
      const row = yield* pteOffsetMapLock(k, "try_to_unmap", pmd, pmdIndex(page));
      if (row > 0) {
        unmapFileEntries(k, mm, vma, row, page, next);
        tlbInvalidate(k, mm, page, next);
        yield* pteUnmapUnlock(k, "try_to_unmap", row);
      }
    }
    page = next;
  }
}

/**
 * retract_page_tables(): detaches the PTE tables that map the 512 pages at `offset` of the file in VMAs without pages of
 * their own. With patch 1 the PMD entry is rechecked under the PMD lock: a concurrent MADV_DONTNEED may have taken the table. Its
 * state is enough: the new folio is locked, so a table that was refilled is empty still.
 */
function* retractPageTables(k: KernelState, file: MappedFile, offset: number): Path<void> {
  const fn = "retract_page_tables";
  const tables = k.tables;
  for (const mm of k.processes) {
    for (const vma of mm.vmas.list) {
      if (vma.file !== file || vma.anonVma !== null || vma.uffd !== null || vma.maybeGuard) continue;
      const page = vma.start + (offset - vma.pgoff);
      if (page % PMD_PAGES !== 0 || page < vma.start || page + PMD_PAGES > vma.end) continue;
      const pmd = pmdTable(k, mm, page);
      if (pmd === 0) continue;
      const index = pmdIndex(page);
      yield point(k, "find_pmd_or_thp_or_none", "pmd_read", schedObject(OBJ_PMD_ENTRY, pmd, index), false);
      let row = tables.child(pmd, index);
      if (row <= 0) continue;
      yield* lock(k, fn, schedObject(OBJ_PML, pmd));
      row = tables.child(pmd, index);
      if (k.options.patches.recheckRetract && row <= 0) {
        yield* unlock(k, fn, schedObject(OBJ_PML, pmd));
        continue;
      }
      // Without the recheck pte_lockptr() looks for the lock of whatever the entry holds, which may be none.
      const ptl = schedObject(OBJ_PTL, row);
      yield* lock(k, fn, ptl);
      yield point(k, "pmdp_collapse_flush", "pmd_write", schedObject(OBJ_PMD_ENTRY, pmd, index), true);
      tables.setChild(pmd, index, 0);
      yield point(k, "pmdp_collapse_flush", "tlb_flush", schedObject(OBJ_TLB, 0), true);
      tlbInvalidate(k, mm, page, page + PMD_PAGES);
      yield* unlock(k, fn, ptl);
      yield* unlock(k, fn, schedObject(OBJ_PML, pmd));
      mm.ptes--;
      yield point(k, "pte_free_defer", "free_table", schedObject(OBJ_TABLE, row), true);
      freeRetracted(k, row);
    }
  }
}

/**
 * retract_page_tables() before 6.6, under the mmap lock: MADV_COLLAPSE sees to the table of the slot at `page` alone and maps the huge
 * folio in its place. Without a table there is nothing to see to (SCAN_PMD_NONE), and a mapping with pages of its own is left (SCAN_PAGE_ANON).
 */
function retractOurs(k: KernelState, mm: Mm, vma: Vma, page: number): FileResult {
  if (vma.anonVma !== null || page + PMD_PAGES > vma.end) return "fail";
  const pmd = pmdTable(k, mm, page);
  if (pmd === 0) return "pmd_null";
  const index = pmdIndex(page);
  const row = k.tables.child(pmd, index);
  if (row === 0) return "fail";
  if (row < 0) return "pmd_mapped";
  if (vma.uffd !== null) return "uffd_wp";
  k.tables.setChild(pmd, index, 0);
  tlbInvalidate(k, mm, page, page + PMD_PAGES);
  mm.ptes--;
  freeRetracted(k, row);
  setHugeBare(k, pmd, index, KIND_FILE);
  accountHuge(mm, vma, KIND_FILE, 1);
  return "succeed";
}

/** Hands a detached table to RCU. */
function freeRetracted(k: KernelState, row: number): void {
  k.timeNs += k.options.cost.tableFree;
  pteFreeDefer(k, row);
}

/** collapse_pte_mapped_thp() with install_pmd: the cache has a huge folio, the process still maps it by small entries or not at all. */
export function collapsePteMappedThp(k: KernelState, mm: Mm, vma: Vma, page: number): FileResult {
  const tables = k.tables;
  const file = fileOf(vma);
  if (page < vma.start || page + PMD_PAGES > vma.end) return "vma_check";
  if ((vma.flags & VM_NOHUGEPAGE) !== 0 || !thpSuitable(vma, page)) return "vma_check";
  const pmd = pmdTable(k, mm, page);
  const index = pmdIndex(page);
  const row = pmd === 0 ? 0 : tables.child(pmd, index);
  if (row < 0) return "pmd_mapped";
  if (vma.anonVma !== null && !k.profile.collapseRetractsAll) return "vma_check";
  if (vma.uffd !== null) return "uffd_wp";
  if (pmd === 0 && !k.profile.collapseMakesPmd) return "pmd_null";
  if (!file.hugeCached.has(Math.floor((vma.pgoff + (page - vma.start)) / PMD_PAGES))) return "fail";
  if (row > 0) {
    for (let at = tables.nextPte(row, 0, PTRS_PER_TABLE); at < PTRS_PER_TABLE; ) {
      if ((tables.pte(row, at) & KIND_MASK) !== KIND_FILE) return "fail";
      at = tables.nextPte(row, tables.stretchEnd(row, at, PTRS_PER_TABLE), PTRS_PER_TABLE);
    }
    unmapFileEntries(k, mm, vma, row, page, page + PMD_PAGES);
    tables.setChild(pmd, index, 0);
    mm.ptes--;
    freeRetracted(k, row);
  }
  const table = pmdAlloc(k, mm, page);
  setHugeBare(k, table, index, KIND_FILE);
  accountHuge(mm, vma, KIND_FILE, 1);
  return "succeed";
}
