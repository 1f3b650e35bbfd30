/** Files behind mappings: their sizes, and which of their pages are in the page cache (mm/filemap.c, mm/shmem.c). */

import { InvariantError } from "./error.ts";
import { PMD_PAGES } from "./geometry.ts";

/** The file behind a mapping that has one: callers have checked. */
export function fileOf(vma: { readonly file: MappedFile | null }): MappedFile {
  if (vma.file === null) throw new InvariantError("memory without a file is taken for a file's");
  return vma.file;
}

export class MappedFile {
  readonly id: number;
  /** tmpfs or shared anonymous memory: swap-backed, and a write mapping's pages are the cache's own. */
  readonly shmem: boolean;
  /** Size in pages; accesses beyond raise SIGBUS. */
  sizePages: number;
  /** Pages in the cache, by offset. Whole aligned stretches of PMD_PAGES are kept as one number in `hugeCached`. */
  readonly cached = new Set<number>();
  /** Offsets / PMD_PAGES of stretches that one huge folio holds. */
  readonly hugeCached = new Set<number>();
  /** Pages of shmem in `cached` that were never written: reclaim drops them, with swap space or without (shmem alone has these). */
  readonly clean = new Set<number>();
  /** Such huge folios in `hugeCached`. */
  readonly hugeClean = new Set<number>();
  /** Pages of shmem that were swapped out. */
  readonly swapped = new Set<number>();
  readonly hugetlb: boolean;

  constructor(id: number, shmem: boolean, sizePages: number, hugetlb = false) {
    this.id = id;
    this.shmem = shmem;
    this.sizePages = sizePages;
    this.hugetlb = hugetlb;
  }

  isCached(offset: number): boolean {
    return this.cached.has(offset) || this.hugeCached.has(Math.floor(offset / PMD_PAGES));
  }

  /** folio_mark_dirty() of the pages [offset, offset + n). */
  markDirty(offset: number, n = 1): void {
    if (this.clean.size > 0) for (let at = offset; at < offset + n; at++) this.clean.delete(at);
    if (this.hugeClean.size === 0) return;
    for (let huge = Math.floor(offset / PMD_PAGES); huge * PMD_PAGES < offset + n; huge++) this.hugeClean.delete(huge);
  }

  /** A huge folio becomes small pages. */
  splitHuge(huge: number): void {
    this.hugeCached.delete(huge);
    const clean = this.hugeClean.delete(huge);
    for (let offset = huge * PMD_PAGES; offset < (huge + 1) * PMD_PAGES; offset++) {
      this.cached.add(offset);
      if (clean) this.clean.add(offset);
    }
  }

  /** Drops [from, end) from the cache; a huge folio that is cut becomes small pages. */
  drop(from: number, end: number): void {
    for (const huge of [...this.hugeCached]) {
      const start = huge * PMD_PAGES;
      if (start + PMD_PAGES <= from || start >= end) continue;
      this.splitHuge(huge);
    }
    const drop = (set: Set<number>): void => {
      if (end - from < set.size) for (let offset = from; offset < end; offset++) set.delete(offset);
      else for (const offset of set) if (offset >= from && offset < end) set.delete(offset);
    };
    drop(this.cached);
    drop(this.clean);
    drop(this.swapped);
  }
}
