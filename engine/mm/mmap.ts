/** mmap, munmap and brk (mm/mmap.c, mm/vma.c: __mmap_region, do_vmi_munmap, do_brk_flags). Ranges are in pages. */

import { unlinkAnonVmas } from "./anon-vma.ts";
import type { Errno } from "./errno.ts";
import type { MappedFile } from "./file.ts";
import { freePgtables } from "./free-pgtables.ts";
import { zapOf } from "./gather.ts";
import { PAGE_SIZE, PMD_PAGES, pageAligned, pageOf, pagesFor, slotStart } from "./geometry.ts";
import { tlbFinishMmu, tlbGatherMmu } from "./mmu-gather.ts";
import { OBJ_PMD_ENTRY, type Path, point, schedObject } from "./sched.ts";
import { countedTables, type KernelState, type Mm } from "./state.ts";
import {
  type UffdContext,
  VM_ACCOUNT,
  VM_HUGETLB,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_NORESERVE,
  VM_SHARED,
  VM_WRITE,
  Vma,
  vmStartGap,
} from "./vma.ts";
import { splitVmaUnchecked, vmaMergeNewRange } from "./vma-merge.ts";
import { unmapPageRange } from "./zap.ts";
import { ZAP_UNMAP } from "./zap-details.ts";

/**
 * vms_gather_munmap_vmas() and vms_complete_munmap_vmas(): unmaps [start, end), which must not be empty. VMAs that the range
 * cuts are split; tables that no remaining VMA can use are freed. Returns the errno of a failed split, or null.
 */
export function* unmapRange(k: KernelState, mm: Mm, start: number, end: number): Path<Errno | null> {
  const vmas = mm.vmas;
  const first = vmas.intersection(start, end);
  if (first === undefined) return null;
  if (first.start < start) {
    if (end < first.end && vmas.count >= k.profile.maxMapCount) return "ENOMEM";
    if (splitVmaUnchecked(k, mm, first, start, true) === null) return "EINVAL";
  }
  const last = vmas.lookup(end - 1);
  if (last !== undefined && last.end > end && splitVmaUnchecked(k, mm, last, end, false) === null) return "EINVAL";
  const from = vmas.indexAbove(start);
  let to = from;
  while (to < vmas.count && vmas.list[to].start < end) to++;
  const floor = from > 0 ? vmas.list[from - 1].end : 0;
  const ceiling = to < vmas.count ? vmas.list[to].start : 0;
  const gone = vmas.cut(from, to - from);
  for (const vma of gone) {
    mm.totalVm -= vma.end - vma.start;
    if ((vma.flags & VM_LOCKED) !== 0) mm.lockedVm -= vma.end - vma.start;
  }
  // vms_clear_ptes()
  const tlb = tlbGatherMmu(k, mm);
  for (const vma of gone) yield* unmapPageRange(k, vma, zapOf(tlb, vma.start, vma.end, ZAP_UNMAP));
  yield point(k, "free_pgtables", "pmd_write", schedObject(OBJ_PMD_ENTRY, 0), true);
  yield* freePgtables(k, tlb, gone, floor, ceiling);
  k.leastTables = Math.min(k.leastTables, countedTables(mm));
  yield* tlbFinishMmu(k, tlb);
  for (const vma of gone) {
    unlinkAnonVmas(vma);
    k.timeNs += k.options.cost.vma;
  }
  return null;
}

/** do_vmi_munmap(): the checks of munmap(2), then the unmapping. `addr` and `len` in bytes. */
export function* doMunmap(k: KernelState, mm: Mm, addr: number, len: number): Path<Errno | null> {
  const task = k.taskPages * PAGE_SIZE;
  if (!pageAligned(addr) || addr > task || len > task - addr) return "EINVAL";
  const pages = pagesFor(len);
  if (pages === 0) return "EINVAL";
  const start = pageOf(addr);
  return yield* unmapRange(k, mm, start, start + pages);
}

/**
 * unmapped_area_topdown(): the highest free stretch of `pages` below the mmap base that begins at a multiple of `align` pages.
 * Returns the page number, or -1 if there is no room.
 */
export function getUnmappedArea(k: KernelState, mm: Mm, pages: number, align: number): number {
  const list = mm.vmas.list;
  let ceiling = Math.min(mm.mmapBase, k.taskPages);
  for (let at = mm.vmas.indexAbove(ceiling - 1); ; at--) {
    const vma = list[at];
    if (vma !== undefined) {
      if (vma.end <= ceiling) {
        const found = slotStart(ceiling - pages, align);
        if (found >= vma.end) return found;
      }
      ceiling = Math.min(ceiling, vma.start);
    }
    if (at <= 0) {
      const found = slotStart(ceiling - pages, align);
      return found >= 16 ? found : -1;
    }
  }
}

/** The alignment that mmap uses for a mapping that it places itself (thp_get_unmapped_area_vmflags()). */
export function placementAlign(pages: number): number {
  return pages >= PMD_PAGES && pages % PMD_PAGES === 0 ? PMD_PAGES : 1;
}

/** The properties of a new mapping. */
export interface NewMapping {
  start: number;
  end: number;
  flags: number;
  pgoff: number;
  file: MappedFile | null;
  uffd: UffdContext | null;
}

/** accountable_mapping(): private writable memory counts against the commit limit, and its VMA says so. */
function isAccountable(flags: number): boolean {
  return (flags & (VM_NORESERVE | VM_SHARED | VM_HUGETLB | VM_WRITE)) === VM_WRITE;
}

/**
 * __mmap_region(): maps [start, end), over whatever is there. Returns the errno, or null; the mapping is then in mm.vmas, merged
 * with its neighbours if possible.
 */
export function* mmapRegion(k: KernelState, mm: Mm, asked: NewMapping): Path<Errno | null> {
  const map = isAccountable(asked.flags) ? { ...asked, flags: asked.flags | VM_ACCOUNT } : { ...asked };
  // Huge pages of the pool stay in memory as it is.
  if ((map.flags & VM_HUGETLB) !== 0) map.flags &= ~VM_LOCKED_MASK;
  const failed = yield* unmapRange(k, mm, map.start, map.end);
  if (failed !== null) return failed;
  const index = mm.vmas.indexAbove(map.start);
  const merged = vmaMergeNewRange(k, mm, mm.vmas.list[index - 1], mm.vmas.list[index], {
    ...map,
    anonVma: null,
    middle: null,
    copiedFrom: null,
    mapped: true,
  });
  if (merged === null) {
    const vma = new Vma(map.start, map.end, map.flags, map.pgoff, map.file);
    mm.vmas.insert(vma);
    k.timeNs += k.options.cost.vma;
  }
  mm.totalVm += map.end - map.start;
  if ((map.flags & VM_LOCKED) !== 0) mm.lockedVm += map.end - map.start;
  return null;
}

/** do_brk_flags() and brk(2): sets the end of the heap to `end` (in pages). The first call sets its start. Fails if a mapping is in the way. */
export function* doBrk(k: KernelState, mm: Mm, end: number, access: number): Path<Errno | null> {
  const flags = access | VM_ACCOUNT;
  if (mm.startBrk < 0) {
    mm.startBrk = end;
    mm.brk = end;
    return null;
  }
  if (end < mm.startBrk) return "ENOMEM";
  const old = mm.brk;
  if (end === old) return null;
  if (end < old) {
    const failed = yield* unmapRange(k, mm, end, old);
    if (failed === null) mm.brk = end;
    return failed;
  }
  if (end > k.taskPages) return "ENOMEM";
  // sys_brk(): a page stays free below what comes next, and the guard gap below a stack.
  const next = mm.vmas.list[mm.vmas.indexAbove(old)];
  if (next !== undefined && end + 1 > vmStartGap(next)) return "ENOMEM";
  if (mm.vmas.count > k.profile.maxMapCount) return "ENOMEM";
  const index = mm.vmas.indexAbove(old);
  const merged = vmaMergeNewRange(k, mm, mm.vmas.list[index - 1], mm.vmas.list[index], {
    start: old,
    end,
    flags,
    pgoff: old,
    file: null,
    uffd: null,
    anonVma: null,
    middle: null,
    copiedFrom: null,
    justExpand: true,
  });
  if (merged === null) mm.vmas.insert(new Vma(old, end, flags, old, null));
  mm.totalVm += end - old;
  mm.brk = end;
  return null;
}
