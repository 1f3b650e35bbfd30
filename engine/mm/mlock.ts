/** mlock, mlock2, munlock and populating (mm/mlock.c, mm/gup.c: populate_vma_page_range). Ranges are in pages. */

import type { Errno } from "./errno.ts";
import { faultInRange } from "./fault.ts";
import type { Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import {
  VM_ACCESS_FLAGS,
  VM_HUGETLB,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_LOCKONFAULT,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  type Vma,
} from "./vma.ts";
import { vmaModify } from "./vma-merge.ts";
import { VmaWalk } from "./vma-walk.ts";

/** populate_vma_page_range(): false if a page cannot be faulted in (EFAULT). */
export function* populateVma(k: KernelState, mm: Mm, vma: Vma, start: number, end: number): Path<boolean> {
  if ((vma.flags & VM_LOCKONFAULT) !== 0) return true;
  if ((vma.flags & VM_ACCESS_FLAGS) === 0) return false;
  const write = (vma.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE;
  return (yield* faultInRange(k, mm, vma, start, end, write, null)) === end;
}

/** __mm_populate() with errors: stops at the first page that cannot be had. False: it could not. */
function* mmPopulateStrict(k: KernelState, mm: Mm, start: number, end: number): Path<boolean> {
  let page = start;
  while (page < end) {
    const vma = mm.vmas.intersection(page, end);
    if (vma === undefined) return true;
    const stop = Math.min(vma.end, end);
    if (!(yield* populateVma(k, mm, vma, Math.max(vma.start, page), stop))) return false;
    page = stop;
  }
  return true;
}

/** mm_populate(): for MAP_POPULATE and MAP_LOCKED; what cannot be populated is skipped. */
export function* mmPopulate(k: KernelState, mm: Mm, start: number, end: number): Path<void> {
  let page = start;
  while (page < end) {
    const vma = mm.vmas.intersection(page, end);
    if (vma === undefined) return;
    const stop = Math.min(vma.end, end);
    yield* populateVma(k, mm, vma, Math.max(vma.start, page), stop);
    page = stop;
  }
}

/** apply_vma_lock_flags(): VMAs of [start, end) get `lockFlags` in place of theirs; ENOMEM at a hole. */
function applyVmaLockFlags(k: KernelState, mm: Mm, start: number, end: number, lockFlags: number): Errno | null {
  let page = start;
  while (page < end) {
    const vma = mm.vmas.lookup(page);
    if (vma === undefined) return "ENOMEM";
    const stop = Math.min(vma.end, end);
    const flags = (vma.flags & ~VM_LOCKED_MASK) | lockFlags;
    if (flags !== vma.flags && (vma.flags & VM_HUGETLB) === 0) {
      const was = (vma.flags & VM_LOCKED) !== 0;
      const part = vmaModify(k, mm, vma, page, stop, flags);
      if (part === null) return "ENOMEM";
      part.flags = flags;
      const now = (flags & VM_LOCKED) !== 0;
      if (was !== now) mm.lockedVm += (now ? 1 : -1) * (stop - page);
    }
    page = stop;
  }
  return null;
}

/** do_mlock(): locks and populates. */
export function* doMlock(k: KernelState, mm: Mm, start: number, end: number, onFault: boolean): Path<Errno | null> {
  const failed = applyVmaLockFlags(k, mm, start, end, VM_LOCKED | (onFault ? VM_LOCKONFAULT : 0));
  if (failed !== null) return failed;
  return (yield* mmPopulateStrict(k, mm, start, end)) ? null : "ENOMEM";
}

/**
 * apply_mlockall_flags() and mlockall(2): `future` is for later mappings, `current` for existing ones, which
 * are populated too. Without either: munlockall(2). What cannot be locked or populated is skipped.
 */
export function* doMlockall(k: KernelState, mm: Mm, current: boolean, future: boolean, onFault: boolean): Path<void> {
  const lockFlags = VM_LOCKED | (onFault ? VM_LOCKONFAULT : 0);
  mm.defFlags = future ? lockFlags : 0;
  if (future && !current) return;
  const last = mm.vmas.list.at(-1);
  for (let page = mm.vmas.list[0]?.start ?? 0; last !== undefined && page < last.end; ) {
    const vma = mm.vmas.intersection(page, last.end);
    if (vma === undefined) break;
    const { start, end } = vma;
    applyVmaLockFlags(k, mm, start, end, current ? lockFlags : 0);
    page = end;
  }
  if (current && last !== undefined) yield* mmPopulate(k, mm, 0, last.end);
}

/** munlock(2). */
export function doMunlock(k: KernelState, mm: Mm, start: number, end: number): Errno | null {
  return applyVmaLockFlags(k, mm, start, end, 0);
}

/** Populates [start, end) of one VMA; EINVAL where it does not allow the access, EFAULT at a page that raises a signal. */
function* populatePart(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  write: boolean,
): Path<Errno | null> {
  if ((vma.flags & (write ? VM_WRITE : VM_READ)) === 0) return "EINVAL";
  return (yield* faultInRange(k, mm, vma, start, end, write, null)) === end ? null : "EFAULT";
}

/** madvise_populate() of older kernels, where madvise_walk_vmas() visits the VMAs: holes are stepped over, and are ENOMEM at the end. */
function* populateWalk(k: KernelState, mm: Mm, start: number, end: number, write: boolean): Path<Errno | null> {
  const walk = new VmaWalk().begin(start, end);
  for (let vma = walk.next(mm); vma !== null; vma = walk.next(mm)) {
    const failed = yield* populatePart(k, mm, vma, walk.page, walk.stop, write);
    if (failed !== null) return failed;
  }
  return walk.status;
}

/**
 * madvise_populate() (MADV_POPULATE_READ and _WRITE): ENOMEM at a hole, or the error of the first VMA that fails; everything before it is
 * populated.
 */
export function* madvisePopulate(
  k: KernelState,
  mm: Mm,
  start: number,
  end: number,
  write: boolean,
): Path<Errno | null> {
  if (!k.profile.populateStopsAtHole) return yield* populateWalk(k, mm, start, end, write);
  let page = start;
  while (page < end) {
    const vma = mm.vmas.lookup(page);
    if (vma === undefined) return "ENOMEM";
    const stop = Math.min(vma.end, end);
    const failed = yield* populatePart(k, mm, vma, page, stop, write);
    if (failed !== null) return failed;
    page = stop;
  }
  return null;
}
