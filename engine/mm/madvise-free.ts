/** MADV_FREE, MADV_COLD and MADV_PAGEOUT (mm/madvise.c). None of them ever frees a PTE table. Ranges are in pages. */

import type { Errno } from "./errno.ts";
import { fileOf } from "./file.ts";
import { adviseFileFolio, eachFileEntry } from "./file-folio.ts";
import { PMD_PAGES } from "./geometry.ts";
import {
  KIND_ANON,
  KIND_HWPOISON,
  KIND_MARKER_POISON,
  KIND_MASK,
  KIND_SWAP,
  KIND_ZERO,
  PTE_DIRTY,
  PTE_EXCLUSIVE,
  PTE_LAZYFREE,
  PTE_YOUNG,
} from "./pte.ts";
import type { KernelState, Mm } from "./state.ts";
import { swapOutEntries } from "./swap.ts";
import { TABLE_HUGE_BARE } from "./tables.ts";
import { hugeShared, splitHugePmd } from "./thp.ts";
import { VM_HUGETLB, VM_LOCKED, type Vma, vmaIsAnonymous } from "./vma.ts";
import { entryRange, walkPmds } from "./walk.ts";

function countAdvice(k: KernelState, page: number, stop: number): void {
  if (k.options.patches.reclaim && stop - page === PMD_PAGES) k.stats.declinedAdvice++;
}

/** madvise_free_huge_pmd(). Returns whether the huge page was dealt with; false where small pages are there now. */
function freeHuge(k: KernelState, mm: Mm, vma: Vma, pmd: number, index: number, whole: boolean): boolean {
  const row = -k.tables.child(pmd, index);
  const entry = k.tables.huge(row);
  if ((entry & KIND_MASK) === KIND_ZERO || hugeShared(k, row)) return true;
  if (!whole) {
    splitHugePmd(k, mm, vma, pmd, index);
    return false;
  }
  k.tables.setHuge(row, (entry & ~(PTE_DIRTY | PTE_YOUNG)) | PTE_LAZYFREE);
  return true;
}

/** madvise_free_single_vma(): pages may be dropped unless they are written again; swap entries are freed at once. */
export function madviseFree(k: KernelState, mm: Mm, vma: Vma, start: number, end: number): Errno | null {
  if ((vma.flags & (VM_LOCKED | VM_HUGETLB)) !== 0 || !vmaIsAnonymous(vma)) return "EINVAL";
  walkPmds(k, mm, start, end, (pmd, index, page, stop) => {
    if (k.tables.child(pmd, index) < 0 && freeHuge(k, mm, vma, pmd, index, stop - page === PMD_PAGES)) return;
    countAdvice(k, page, stop);
    const { from, to } = entryRange(page, stop);
    const row = k.tables.child(pmd, index);
    k.tables.changePtes(row, from, to, (pte) => {
      const kind = pte & KIND_MASK;
      if (kind === KIND_ANON && (pte & PTE_EXCLUSIVE) !== 0)
        return ((pte & ~(PTE_DIRTY | PTE_YOUNG)) | PTE_LAZYFREE) >>> 0;
      return kind === KIND_SWAP || kind === KIND_HWPOISON || kind === KIND_MARKER_POISON ? DROP : pte;
    });
    dropMarked(k, mm, row, from, to);
  });
  return null;
}

/** A swap entry about to be dropped, so that the count can be kept for each stretch. */
const DROP = KIND_SWAP | PTE_LAZYFREE;

function dropMarked(k: KernelState, mm: Mm, row: number, from: number, to: number): void {
  for (let at = k.tables.nextPte(row, from, to); at < to; ) {
    const stop = k.tables.stretchEnd(row, at, to);
    if (k.tables.pte(row, at) === DROP) {
      mm.swapEntries -= stop - at;
      k.tables.fillPte(row, at, stop, 0);
    }
    at = k.tables.nextPte(row, stop, to);
  }
}

/** The huge folios whose pages the entries for [page, stop) map: whole only where 512 entries in a row map one. */
function adviseFoliosOfEntries(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  pmd: number,
  index: number,
  page: number,
  stop: number,
  pageout: boolean,
): void {
  const file = fileOf(vma);
  const row = k.tables.child(pmd, index);
  if (row <= 0) return;
  const mapped = new Map<number, number>();
  eachFileEntry(k, row, page, stop, (at, end) => {
    for (let i = at; i < end; i++) {
      const chunk = Math.floor((vma.pgoff + (page - vma.start) + (i - (page % PMD_PAGES))) / PMD_PAGES);
      mapped.set(chunk, (mapped.get(chunk) ?? 0) + 1);
    }
  });
  for (const [chunk, n] of mapped) adviseFileFolio(k, mm, file, chunk, n === PMD_PAGES, pageout);
}

/** madvise_cold() and madvise_pageout(). A huge page that the range covers partially is split. */
export function madviseCold(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  pageout: boolean,
): Errno | null {
  if ((vma.flags & (VM_LOCKED | VM_HUGETLB)) !== 0) return "EINVAL";
  walkPmds(k, mm, start, end, (pmd, index, page, stop) => {
    const entry = k.tables.child(pmd, index);
    if (entry < 0) {
      if ((k.tables.huge(-entry) & KIND_MASK) === KIND_ZERO || hugeShared(k, -entry)) return;
      if (stop - page === PMD_PAGES && !pageout) return;
      if (vma.file !== null && k.tables.state[-entry] === TABLE_HUGE_BARE) {
        const chunk = Math.floor((vma.pgoff + (page - vma.start)) / PMD_PAGES);
        adviseFileFolio(k, mm, vma.file, chunk, stop - page === PMD_PAGES, pageout);
        return;
      }
      splitHugePmd(k, mm, vma, pmd, index);
      if (k.tables.child(pmd, index) === 0) return;
    }
    countAdvice(k, page, stop);
    const { from, to } = entryRange(page, stop);
    if (vma.file !== null && vma.file.hugeCached.size > 0)
      adviseFoliosOfEntries(k, mm, vma, pmd, index, page, stop, pageout);
    if (pageout) swapOutEntries(k, mm, vma, k.tables.child(pmd, index), page, from, to);
  });
  return null;
}
