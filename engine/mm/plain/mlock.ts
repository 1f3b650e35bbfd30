// Made from ../mlock.ts by `npm run plain-paths`, which says how: change that file, not this one.

import type { Errno } from "../errno.ts";
import type { KernelState, Mm } from "../state.ts";
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
} from "../vma.ts";
import { vmaModify } from "../vma-merge.ts";
import { VmaWalk } from "../vma-walk.ts";
import { faultInRange } from "./fault.ts";
export function populateVma(k: KernelState, mm: Mm, vma: Vma, start: number, end: number): boolean {
  if ((vma.flags & VM_LOCKONFAULT) !== 0) return true;
  if ((vma.flags & VM_ACCESS_FLAGS) === 0) return false;
  const write = (vma.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE;
  return faultInRange(k, mm, vma, start, end, write, null) === end;
}
function mmPopulateStrict(k: KernelState, mm: Mm, start: number, end: number): boolean {
  let page = start;
  while (page < end) {
    const vma = mm.vmas.intersection(page, end);
    if (vma === undefined) return true;
    const stop = Math.min(vma.end, end);
    if (!populateVma(k, mm, vma, Math.max(vma.start, page), stop)) return false;
    page = stop;
  }
  return true;
}
export function mmPopulate(k: KernelState, mm: Mm, start: number, end: number): void {
  let page = start;
  while (page < end) {
    const vma = mm.vmas.intersection(page, end);
    if (vma === undefined) return;
    const stop = Math.min(vma.end, end);
    populateVma(k, mm, vma, Math.max(vma.start, page), stop);
    page = stop;
  }
}
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
export function doMlock(k: KernelState, mm: Mm, start: number, end: number, onFault: boolean): Errno | null {
  const failed = applyVmaLockFlags(k, mm, start, end, VM_LOCKED | (onFault ? VM_LOCKONFAULT : 0));
  if (failed !== null) return failed;
  return mmPopulateStrict(k, mm, start, end) ? null : "ENOMEM";
}
export function doMlockall(k: KernelState, mm: Mm, current: boolean, future: boolean, onFault: boolean): void {
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
  if (current && last !== undefined) mmPopulate(k, mm, 0, last.end);
}
export function doMunlock(k: KernelState, mm: Mm, start: number, end: number): Errno | null {
  return applyVmaLockFlags(k, mm, start, end, 0);
}
function populatePart(k: KernelState, mm: Mm, vma: Vma, start: number, end: number, write: boolean): Errno | null {
  if ((vma.flags & (write ? VM_WRITE : VM_READ)) === 0) return "EINVAL";
  return faultInRange(k, mm, vma, start, end, write, null) === end ? null : "EFAULT";
}
function populateWalk(k: KernelState, mm: Mm, start: number, end: number, write: boolean): Errno | null {
  const walk = new VmaWalk().begin(start, end);
  for (let vma = walk.next(mm); vma !== null; vma = walk.next(mm)) {
    const failed = populatePart(k, mm, vma, walk.page, walk.stop, write);
    if (failed !== null) return failed;
  }
  return walk.status;
}
export function madvisePopulate(k: KernelState, mm: Mm, start: number, end: number, write: boolean): Errno | null {
  if (!k.profile.populateStopsAtHole) return populateWalk(k, mm, start, end, write);
  let page = start;
  while (page < end) {
    const vma = mm.vmas.lookup(page);
    if (vma === undefined) return "ENOMEM";
    const stop = Math.min(vma.end, end);
    const failed = populatePart(k, mm, vma, page, stop, write);
    if (failed !== null) return failed;
    page = stop;
  }
  return null;
}
