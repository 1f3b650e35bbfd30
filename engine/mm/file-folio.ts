/** Huge folios in the page cache of a file: who maps them, and how they are unmapped, split and reclaimed (mm/rmap.c, mm/huge_memory.c). */

import type { MappedFile } from "./file.ts";
import { PMD_PAGES, pmdIndex } from "./geometry.ts";
import { pmdTable } from "./pgtable.ts";
import { KIND_FILE, KIND_MARKER_UFFD_WP, KIND_MASK, PTE_UFFD_WP } from "./pte.ts";
import type { KernelState, Mm } from "./state.ts";
import { splitHugePmd } from "./thp.ts";
import type { Vma } from "./vma.ts";

type FolioVisit = (mm: Mm, vma: Vma, pmd: number, index: number, page: number, end: number) => void;

/** Every slot where a VMA of any process may map pages of the folio; `chunk` is its offset / 512. */
function eachMapping(k: KernelState, file: MappedFile, chunk: number, visit: FolioVisit): void {
  for (const mm of k.processes) {
    for (const vma of mm.vmas.list) {
      if (vma.file !== file) continue;
      const first = vma.start + (chunk * PMD_PAGES - vma.pgoff);
      const stop = Math.min(first + PMD_PAGES, vma.end);
      for (let page = Math.max(first, vma.start); page < stop; ) {
        const end = Math.min(stop, page - (page % PMD_PAGES) + PMD_PAGES);
        const pmd = pmdTable(k, mm, page);
        if (pmd !== 0) visit(mm, vma, pmd, pmdIndex(page), page, end);
        page = end;
      }
    }
  }
}

/** Calls `found` for each stretch of entries of [page, end) in the table that map pages of the file, as file pages. */
export function eachFileEntry(
  k: KernelState,
  row: number,
  page: number,
  end: number,
  found: (at: number, stop: number, pte: number) => void,
): void {
  const from = page % PMD_PAGES;
  const to = from + (end - page);
  for (let at = k.tables.nextPte(row, from, to); at < to; ) {
    const stop = k.tables.stretchEnd(row, at, to);
    const pte = k.tables.pte(row, at);
    if ((pte & KIND_MASK) === KIND_FILE) found(at, stop, pte);
    at = k.tables.nextPte(row, stop, to);
  }
}

/** try_to_unmap() of what maps file pages in [page, end): entries become none, or markers if they were write-protected. */
export function unmapFileEntries(k: KernelState, mm: Mm, vma: Vma, row: number, page: number, end: number): void {
  eachFileEntry(k, row, page, end, (at, stop, pte) => {
    k.tables.fillPte(row, at, stop, (pte & PTE_UFFD_WP) !== 0 ? KIND_MARKER_UFFD_WP : 0);
    if (vma.file?.shmem === true) mm.rssShmem -= stop - at;
    else mm.rssFile -= stop - at;
  });
}

/** folio_maybe_mapped_shared(): does a process other than `mm` map some of it? */
function mappedByOthers(k: KernelState, mm: Mm, file: MappedFile, chunk: number): boolean {
  let others = false;
  eachMapping(k, file, chunk, (each, _vma, pmd, index, page, end) => {
    if (each === mm) return;
    const row = k.tables.child(pmd, index);
    if (row < 0) others = true;
    else if (row > 0) eachFileEntry(k, row, page, end, () => (others = true));
  });
  return others;
}

function unmapFolio(k: KernelState, file: MappedFile, chunk: number): void {
  eachMapping(k, file, chunk, (mm, vma, pmd, index, page, end) => {
    const row = k.tables.child(pmd, index);
    if (row < 0) splitHugePmd(k, mm, vma, pmd, index);
    else if (row > 0) unmapFileEntries(k, mm, vma, row, page, end);
  });
}

/**
 * MADV_COLD or MADV_PAGEOUT of a huge folio: a partial range splits it, which unmaps it everywhere; a whole folio is unmapped and
 * reclaimed by MADV_PAGEOUT only, to swap if it is shmem's and was written; without swap that stays in the cache, on some kernels
 * split. A folio that others map too is left alone.
 */
export function adviseFileFolio(
  k: KernelState,
  mm: Mm,
  file: MappedFile,
  chunk: number,
  whole: boolean,
  pageout: boolean,
): void {
  if (!file.hugeCached.has(chunk) || (whole && !pageout) || mappedByOthers(k, mm, file, chunk)) return;
  unmapFolio(k, file, chunk);
  if (!whole) {
    file.splitHuge(chunk);
    return;
  }
  const dirty = file.shmem && !file.hugeClean.has(chunk);
  if (dirty && !k.profile.swap) {
    if (!k.profile.pageoutKeepsHuge) file.splitHuge(chunk);
    return;
  }
  file.hugeCached.delete(chunk);
  file.hugeClean.delete(chunk);
  if (dirty) for (let at = chunk * PMD_PAGES; at < (chunk + 1) * PMD_PAGES; at++) file.swapped.add(at);
  k.timeNs += PMD_PAGES * k.options.cost.io;
}

/** folio_mapcount(): how many entries map each of the `n` pages of the file from `offset` on, within one 2 MiB of it, in all processes. */
export function mapCounts(k: KernelState, file: MappedFile, offset: number, n: number): Uint32Array {
  const counts = new Uint32Array(n);
  eachMapping(k, file, Math.floor(offset / PMD_PAGES), (_mm, vma, pmd, index, page, end) => {
    const row = k.tables.child(pmd, index);
    if (row <= 0) return;
    // Where entry 0 of the table would lie in the file, counted from `offset`.
    const base = vma.pgoff + (page - (page % PMD_PAGES) - vma.start) - offset;
    eachFileEntry(k, row, page, end, (at, stop) => {
      for (let i = Math.max(at, -base); i < Math.min(stop, n - base); i++) counts[base + i]++;
    });
  });
  return counts;
}
