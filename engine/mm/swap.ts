/** Swapping pages out and in (mm/vmscan.c: reclaim_pages; mm/memory.c: do_swap_page). */

import { handleMmFault } from "./fault.ts";
import type { MappedFile } from "./file.ts";
import { mapCounts } from "./file-folio.ts";
import { PMD_PAGES } from "./geometry.ts";
import {
  KIND_ANON,
  KIND_FILE,
  KIND_MARKER_UFFD_WP,
  KIND_MASK,
  KIND_SWAP,
  PTE_EXCLUSIVE,
  PTE_LAZYFREE,
  PTE_UFFD_WP,
} from "./pte.ts";
import type { Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { splitHugePmd } from "./thp.ts";
import type { Vma } from "./vma.ts";
import { entryRange, walkPmds } from "./walk.ts";

/**
 * Reclaims the pages that entries [from, to) of a table map, `page` being where `from` is: lazily freed ones are dropped,
 * anonymous ones go to swap if there is any. Pages that fork left shared stay.
 */
export function swapOutEntries(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  row: number,
  page: number,
  from: number,
  to: number,
): void {
  const tables = k.tables;
  for (let at = tables.nextPte(row, from, to); at < to; ) {
    const stop = tables.stretchEnd(row, at, to);
    const pte = tables.pte(row, at);
    const n = stop - at;
    const kind = pte & KIND_MASK;
    if (kind === KIND_ANON && (pte & PTE_LAZYFREE) !== 0) {
      tables.fillPte(row, at, stop, 0);
      mm.rssAnon -= n;
    } else if (kind === KIND_ANON && k.profile.swap && (pte & PTE_EXCLUSIVE) !== 0) {
      tables.fillPte(row, at, stop, KIND_SWAP | PTE_EXCLUSIVE | (pte & PTE_UFFD_WP));
      mm.rssAnon -= n;
      mm.swapEntries += n;
      k.timeNs += n * k.options.cost.io;
    } else if (kind === KIND_FILE && vma.file !== null) {
      reclaimFilePages(k, mm, vma, vma.file, row, page + (at - from), at, stop, pte);
    }
    at = tables.nextPte(row, stop, to);
  }
}

/**
 * Entries [at, stop), alike, map small pages of a file from `page` on. Pages that something else maps too stay. Others are unmapped, and
 * clean ones are dropped; what of shmem was written goes to swap where there is any, else it stays in the cache.
 */
function reclaimFilePages(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  file: MappedFile,
  row: number,
  page: number,
  at: number,
  stop: number,
  pte: number,
): void {
  const offset = vma.pgoff + (page - vma.start);
  const gone = (pte & PTE_UFFD_WP) !== 0 ? KIND_MARKER_UFFD_WP : 0;
  // The stretch may lie in two 2 MiB of the file.
  for (let from = at; from < stop; ) {
    const first = offset + (from - at);
    const n = Math.min(stop - from, PMD_PAGES - (first % PMD_PAGES));
    const huge = file.hugeCached.has(Math.floor(first / PMD_PAGES));
    const counts = huge ? null : mapCounts(k, file, first, n);
    for (let i = 0; counts !== null && i < n; i++) {
      if (counts[i] !== 1) continue;
      k.tables.setPte(row, from + i, gone);
      if (file.shmem) mm.rssShmem--;
      else mm.rssFile--;
      const dirty = file.shmem && !file.clean.has(first + i);
      if (dirty && !k.profile.swap) continue;
      file.cached.delete(first + i);
      file.clean.delete(first + i);
      if (dirty) file.swapped.add(first + i);
      k.timeNs += k.options.cost.io;
    }
    from += n;
  }
}

/** Memory pressure takes every page that [start, end) maps; the operation `swapout`. */
export function swapOutRange(k: KernelState, mm: Mm, start: number, end: number): void {
  for (const vma of [...mm.vmas.list]) {
    if (vma.end <= start || vma.start >= end) continue;
    walkPmds(k, mm, Math.max(start, vma.start), Math.min(end, vma.end), (pmd, index, page, stop) => {
      if (k.tables.child(pmd, index) < 0) splitHugePmd(k, mm, vma, pmd, index);
      const row = k.tables.child(pmd, index);
      if (row === 0) return;
      const { from, to } = entryRange(page, stop);
      swapOutEntries(k, mm, vma, row, page, from, to);
    });
  }
}

/** The pages of [start, end) of a VMA whose entries are in swap. */
function swappedPages(k: KernelState, mm: Mm, start: number, end: number): number[] {
  const pages: number[] = [];
  walkPmds(k, mm, start, end, (pmd, index, page, stop) => {
    const row = k.tables.child(pmd, index);
    if (row < 0) return;
    const { from, to } = entryRange(page, stop);
    for (let at = k.tables.nextPte(row, from, to); at < to; at = k.tables.nextPte(row, at + 1, to))
      if ((k.tables.pte(row, at) & KIND_MASK) === KIND_SWAP) pages.push(page - from + at);
  });
  return pages;
}

/** Brings back every page of [start, end) that is in swap; the operation `swapin` (mm/swapfile.c: unuse_pte_range). */
export function* swapInRange(k: KernelState, mm: Mm, start: number, end: number): Path<void> {
  for (const vma of mm.vmas.list) {
    if (vma.end <= start || vma.start >= end) continue;
    for (const page of swappedPages(k, mm, Math.max(start, vma.start), Math.min(end, vma.end)))
      yield* handleMmFault(k, mm, vma, page, false);
  }
}
