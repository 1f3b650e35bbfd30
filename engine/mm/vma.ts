/**
 * VMAs and the sorted list of them that a process has (include/linux/mm_types.h; mm/vma.c). Starts and ends are page
 * numbers.
 */

import type { MappedFile } from "./file.ts";

export const VM_READ = 1 << 0;
export const VM_WRITE = 1 << 1;
export const VM_EXEC = 1 << 2;
export const VM_SHARED = 1 << 3;
export const VM_GROWSDOWN = 1 << 4;
export const VM_LOCKED = 1 << 5;
export const VM_LOCKONFAULT = 1 << 6;
export const VM_SEQ_READ = 1 << 7;
export const VM_RAND_READ = 1 << 8;
export const VM_DONTCOPY = 1 << 9;
export const VM_ACCOUNT = 1 << 10;
export const VM_NORESERVE = 1 << 11;
export const VM_HUGETLB = 1 << 12;
export const VM_WIPEONFORK = 1 << 13;
export const VM_DONTDUMP = 1 << 14;
export const VM_HUGEPAGE = 1 << 15;
export const VM_NOHUGEPAGE = 1 << 16;
export const VM_MERGEABLE = 1 << 17;
export const VM_UFFD_WP = 1 << 18;
const VM_UFFD_MISSING = 1 << 19;

export const VM_ACCESS_FLAGS = VM_READ | VM_WRITE | VM_EXEC;
export const VM_LOCKED_MASK = VM_LOCKED | VM_LOCKONFAULT;
export const VM_UFFD_MASK = VM_UFFD_WP | VM_UFFD_MISSING;

/** A userfaultfd: VMAs registered with different ones do not merge. */
export interface UffdContext {
  /** UFFD_FEATURE_WP_ASYNC: the kernel resolves write faults itself. Without it, UFFD_FEATURE_SIGBUS: they raise SIGBUS. */
  readonly wpAsync: boolean;
  /** UFFD_FEATURE_WP_UNPOPULATED: unpopulated anonymous memory is protected with markers. */
  readonly wpUnpopulated: boolean;
}

/** The identity that decides whether VMAs with pages of their own may merge (struct anon_vma). */
export class AnonVma {
  /** Child anon_vmas made by fork, itself included for a root (as the kernel counts). */
  numChildren = 0;
  /** VMAs whose anon_vma this is. */
  numActiveVmas = 0;
  readonly parent: AnonVma | null;

  constructor(parent: AnonVma | null) {
    this.parent = parent;
    (parent ?? this).numChildren++;
  }
}

export class Vma {
  declare start: number;
  declare end: number;
  declare flags: number;
  /** Offset in the file, or for private anonymous memory the page number at which it was made; in pages. */
  declare pgoff: number;
  declare file: MappedFile | null;
  anonVma: AnonVma | null = null;
  /** anon_vma_chain: every anon_vma the VMA's pages may belong to. */
  chain: AnonVma[] = [];
  uffd: UffdContext | null = null;
  /** VM_MAYBE_GUARD: guard markers were put in. Sticky: it does not hinder merging and passes to what it is merged into. */
  maybeGuard = false;

  constructor(start: number, end: number, flags: number, pgoff: number, file: MappedFile | null) {
    this.start = start;
    this.end = end;
    this.flags = flags;
    this.pgoff = pgoff;
    this.file = file;
  }
}

/** stack_guard_gap, in pages. */
export const STACK_GUARD_GAP = 256;

/** vm_start_gap(): the first page that must stay free below a growing stack. */
export function vmStartGap(vma: Vma): number {
  return (vma.flags & VM_GROWSDOWN) === 0 ? vma.start : Math.max(0, vma.start - STACK_GUARD_GAP);
}

/** vma_is_anonymous(): no file behind it; shared anonymous memory has a shmem file. */
export function vmaIsAnonymous(vma: Vma): boolean {
  return vma.file === null;
}

/** A copy for another range; the anon_vma is not cloned (vm_area_dup()). */
export function dupVma(vma: Vma): Vma {
  const copy = new Vma(vma.start, vma.end, vma.flags, vma.pgoff, vma.file);
  copy.uffd = vma.uffd;
  copy.maybeGuard = vma.maybeGuard;
  return copy;
}

/** The VMAs of a process, sorted, without overlaps. */
export class VmaList {
  readonly list: Vma[] = [];
  /** Index of the last hit: most accesses are near the one before. */
  private hint = 0;

  get count(): number {
    return this.list.length;
  }

  /** Index of the first VMA that ends above `page` (find_vma()), or the number of VMAs. */
  indexAbove(page: number): number {
    const list = this.list;
    const hint = this.hint;
    if (hint < list.length) {
      const vma = list[hint];
      if (page < vma.end && (page >= vma.start || hint === 0 || list[hint - 1].end <= page)) return hint;
    }
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle].end > page) high = middle;
      else low = middle + 1;
    }
    this.hint = low;
    return low;
  }

  /** The VMA that holds `page` (vma_lookup()). */
  lookup(page: number): Vma | undefined {
    const vma = this.list[this.indexAbove(page)];
    return vma !== undefined && vma.start <= page ? vma : undefined;
  }

  /** The first VMA that touches [start, end), if any (find_vma_intersection()). */
  intersection(start: number, end: number): Vma | undefined {
    const vma = this.list[this.indexAbove(start)];
    return vma !== undefined && vma.start < end ? vma : undefined;
  }

  indexOf(vma: Vma): number {
    return this.indexAbove(vma.start);
  }

  insert(vma: Vma): void {
    this.list.splice(this.indexAbove(vma.start), 0, vma);
  }

  remove(vma: Vma): void {
    const index = this.list.indexOf(vma, Math.max(0, this.indexAbove(vma.start) - 2));
    this.list.splice(index, 1);
  }

  /** Removes `count` VMAs from `index` on and returns them. */
  cut(index: number, count: number): Vma[] {
    return this.list.splice(index, count);
  }
}
