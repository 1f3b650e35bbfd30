/** Splitting and merging VMAs (mm/vma.c). Flags, file, userfaultfd, anon_vma and page offset decide; see is_mergeable_*. */

import { anonVmaClone, dupAnonVma, unlinkAnonVmas } from "./anon-vma.ts";
import type { MappedFile } from "./file.ts";
import { PMD_PAGES, pmdIndex, pmdStart } from "./geometry.ts";
import { pmdTable } from "./pgtable.ts";
import type { KernelState, Mm } from "./state.ts";
import { splitHugePmd } from "./thp.ts";
import { type AnonVma, dupVma, type UffdContext, VM_HUGETLB, type Vma } from "./vma.ts";

/** struct vma_merge_struct: the new range [start, end) and its properties. */
export interface MergeRequest {
  start: number;
  end: number;
  flags: number;
  pgoff: number;
  file: MappedFile | null;
  uffd: UffdContext | null;
  anonVma: AnonVma | null;
  /** The VMA whose range this is, when it is one already. */
  middle: Vma | null;
  /** The VMA that mremap copies. */
  copiedFrom: Vma | null;
  /** A new mapping of mmap(): mmap_region() of old asked the VMA after it first. */
  mapped?: boolean;
  /** Only the VMA before may take the range (brk). */
  justExpand?: boolean;
}

/** is_mergeable_vma(). hugetlb mappings are VM_SPECIAL (VM_DONTEXPAND): what was cut stays cut. */
function isMergeableVma(vma: Vma, r: MergeRequest): boolean {
  if ((vma.flags & VM_HUGETLB) !== 0) return false;
  return vma.flags === r.flags && vma.file === r.file && vma.uffd === r.uffd;
}

/** vma_had_uncowed_parents(): forked VMAs with their parent's anon_vmas in the chain are left alone. */
function hadUncowedParents(vma: Vma | null): boolean {
  return vma !== null && vma.anonVma !== null && vma.chain.length !== 1;
}

/** is_mergeable_anon_vma(). Before 6.16 only the target was looked at: one without an anon_vma took nothing that has one. */
function isMergeableAnonVma(k: KernelState, target: Vma, r: MergeRequest): boolean {
  if (!k.profile.mergesUnfaulted)
    return target.anonVma === r.anonVma || (r.anonVma === null && !hadUncowedParents(target));
  if (target.anonVma === null && r.anonVma !== null)
    return !hadUncowedParents(r.middle) && !hadUncowedParents(r.copiedFrom);
  if (target.anonVma !== null && r.anonVma === null) return !hadUncowedParents(target);
  return target.anonVma === r.anonVma;
}

export function canMergeLeft(k: KernelState, prev: Vma | undefined, r: MergeRequest): prev is Vma {
  return (
    prev !== undefined &&
    prev.end === r.start &&
    isMergeableVma(prev, r) &&
    isMergeableAnonVma(k, prev, r) &&
    prev.pgoff + (prev.end - prev.start) === r.pgoff
  );
}

export function canMergeRight(k: KernelState, prev: Vma | null, next: Vma | undefined, r: MergeRequest): next is Vma {
  if (next === undefined || next.start !== r.end || !isMergeableVma(next, r) || !isMergeableAnonVma(k, next, r))
    return false;
  if (next.pgoff !== r.pgoff + (r.end - r.start)) return false;
  return prev === null || prev.anonVma === null || next.anonVma === null || prev.anonVma === next.anonVma;
}

/** split_huge_pmd_if_needed(): a VMA boundary is about to be at `page`. */
function splitHugeAt(k: KernelState, mm: Mm, vma: Vma, page: number): void {
  const slot = pmdStart(page);
  if (slot === page || slot < vma.start || slot + PMD_PAGES > vma.end) return;
  const pmd = pmdTable(k, mm, page);
  if (pmd === 0) return;
  const index = pmdIndex(page);
  if (k.tables.child(pmd, index) < 0) splitHugePmd(k, mm, vma, pmd, index);
}

function chargeVma(k: KernelState): void {
  k.timeNs += k.options.cost.vma;
}

/**
 * __split_vma(): cuts `vma` at `page`. With `newBelow` the new VMA is the lower part, else the upper; the other part keeps the
 * identity. Returns the new VMA, or null (EINVAL) if a hugetlb page would be cut.
 */
export function splitVmaUnchecked(k: KernelState, mm: Mm, vma: Vma, page: number, newBelow: boolean): Vma | null {
  if ((vma.flags & VM_HUGETLB) !== 0 && page % PMD_PAGES !== 0) return null;
  const fresh = dupVma(vma);
  fresh.anonVma = vma.anonVma;
  anonVmaClone(fresh, vma);
  splitHugeAt(k, mm, vma, page);
  if (newBelow) {
    fresh.end = page;
    vma.pgoff += page - vma.start;
    vma.start = page;
  } else {
    fresh.start = page;
    fresh.pgoff += page - vma.start;
    vma.end = page;
  }
  mm.vmas.insert(fresh);
  chargeVma(k);
  return fresh;
}

/** split_vma(): the same, but null (ENOMEM) where the process has vm.max_map_count VMAs. */
function splitVma(k: KernelState, mm: Mm, vma: Vma, page: number, newBelow: boolean): Vma | null {
  if (mm.vmas.count >= k.profile.maxMapCount) return null;
  return splitVmaUnchecked(k, mm, vma, page, newBelow);
}

/** What a VMA inherits from those whose range it takes over (VM_STICKY). */
function inheritSticky(target: Vma, ...sources: (Vma | null)[]): void {
  if (sources.some((source) => source?.maybeGuard === true)) target.maybeGuard = true;
}

function removeMerged(mm: Mm, vma: Vma): void {
  mm.vmas.remove(vma);
  unlinkAnonVmas(vma);
}

/** Before 6.10 mmap_region() joined the VMA after first; the one before had to go with the anon_vma of that, too. */
function refusedByNext(k: KernelState, prev: Vma, next: Vma | undefined, r: MergeRequest): boolean {
  if (k.profile.mapsBetween || r.mapped !== true || !canMergeRight(k, null, next, r)) return false;
  if (prev.anonVma === next.anonVma) return false;
  return (prev.anonVma !== null && next.anonVma !== null) || prev.chain.length !== 1;
}

/**
 * vma_merge_new_range(): an unmapped range between `prev` and `next` merges with either or both. Returns the VMA
 * that holds it now, or null if it must be a VMA of its own.
 */
export function vmaMergeNewRange(
  k: KernelState,
  mm: Mm,
  prev: Vma | undefined,
  next: Vma | undefined,
  r: MergeRequest,
): Vma | null {
  const left = canMergeLeft(k, prev, r) && !refusedByNext(k, prev, next, r) ? prev : null;
  const right = r.justExpand !== true && canMergeRight(k, left, next, r) ? next : null;
  const target = left ?? right;
  if (target === null) return null;
  chargeVma(k);
  inheritSticky(target, right, r.copiedFrom);
  if (left !== null) {
    if (right !== null) {
      dupAnonVma(left, right);
      const end = right.end;
      removeMerged(mm, right);
      left.end = end;
    } else left.end = r.end;
    if (r.copiedFrom !== null) dupAnonVma(left, r.copiedFrom);
    return left;
  }
  if (r.copiedFrom !== null) dupAnonVma(target, r.copiedFrom);
  target.start = r.start;
  target.pgoff = r.pgoff;
  return target;
}

/**
 * vma_merge_existing_range(): [start, end) within the VMA `middle` changes to what `r` says and joins its neighbours where
 * it can. Returns the VMA that holds it now, or null.
 */
function vmaMergeExistingRange(k: KernelState, mm: Mm, middle: Vma, r: MergeRequest): Vma | null {
  const index = mm.vmas.indexOf(middle);
  const leftSide = r.start === middle.start;
  const rightSide = r.end === middle.end;
  if (!leftSide && !rightSide) return null;
  const prev = mm.vmas.list[index - 1];
  const next = mm.vmas.list[index + 1];
  const left = leftSide && canMergeLeft(k, prev, r) ? prev : null;
  const right = rightSide && canMergeRight(k, left, next, r) ? next : null;
  const target = left ?? right;
  if (target === null) return null;
  chargeVma(k);
  inheritSticky(target, middle, right);
  if (left !== null && right !== null) {
    // prev takes everything; middle and next go.
    const end = right.end;
    dupAnonVma(left, middle.anonVma !== null ? middle : right);
    removeMerged(mm, right);
    removeMerged(mm, middle);
    left.end = end;
    return left;
  }
  if (left !== null) {
    dupAnonVma(left, middle);
    if (rightSide) {
      removeMerged(mm, middle);
      left.end = r.end;
    } else {
      splitHugeAt(k, mm, middle, r.end);
      middle.pgoff += r.end - middle.start;
      middle.start = r.end;
      left.end = r.end;
    }
    return left;
  }
  dupAnonVma(target, middle);
  if (leftSide) removeMerged(mm, middle);
  else {
    splitHugeAt(k, mm, middle, r.start);
    middle.end = r.start;
  }
  target.start = r.start;
  target.pgoff = r.pgoff;
  return target;
}

/**
 * vma_modify(): [start, end) of `vma` is to have `flags` and `uffd`. Merges with neighbours if possible, else splits off
 * the part. Returns the VMA that is exactly the part (its flags still to be set) or that it was merged into (its flags already right);
 * null if a split failed (ENOMEM at the limit of VMAs; for hugetlb EINVAL).
 */
export function vmaModify(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  flags: number,
  uffd: UffdContext | null = vma.uffd,
): Vma | null {
  const merged = vmaMergeExistingRange(k, mm, vma, {
    start,
    end,
    flags,
    pgoff: vma.pgoff + (start - vma.start),
    file: vma.file,
    uffd,
    anonVma: vma.anonVma,
    middle: vma,
    copiedFrom: null,
  });
  if (merged !== null) return merged;
  if (vma.start < start && splitVma(k, mm, vma, start, true) === null) return null;
  if (vma.end > end && splitVma(k, mm, vma, end, false) === null) return null;
  return vma;
}
