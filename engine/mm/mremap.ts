/** mremap(2) (mm/mremap.c). The order of steps before 6.17 is in mremap-unchecked.ts. Ranges are in pages. */

import { anonVmaClone, unlinkAnonVmas } from "./anon-vma.ts";
import type { Errno } from "./errno.ts";
import { PMD_PAGES, PUD_PAGES, pmdIndex, pmdStart, pteIndex, pudIndex, slotStart } from "./geometry.ts";
import { mmPopulate } from "./mlock.ts";
import { unmapRange } from "./mmap.ts";
import { forgetWalk, linkTable, pmdAlloc, pmdTable, pudAlloc, pudTable } from "./pgtable.ts";
import { chargeCounts } from "./policy-cost.ts";
import { KIND_MARKER_UFFD_WP, KIND_MASK, PTE_UFFD_WP } from "./pte.ts";
import { pmdSame, pteAlloc } from "./pte-map.ts";
import {
  lock,
  OBJ_PMD_ENTRY,
  OBJ_PML,
  OBJ_PTE_ENTRY,
  OBJ_PTL,
  OBJ_TLB,
  type Path,
  point,
  schedObject,
  unlock,
} from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { splitHugePmd } from "./thp.ts";
import { tlbInvalidate } from "./tlb.ts";
import {
  dupVma,
  VM_HUGETLB,
  VM_LOCKED,
  VM_LOCKED_MASK,
  VM_SHARED,
  VM_UFFD_MASK,
  type Vma,
  vmaIsAnonymous,
} from "./vma.ts";
import { canMergeLeft, canMergeRight, type MergeRequest, splitVmaUnchecked, vmaMergeNewRange } from "./vma-merge.ts";

/** The request. `to` is -1 if the kernel may choose (or must not move). */
export interface RemapRequest {
  addr: number;
  oldPages: number;
  newPages: number;
  to: number;
  dontUnmap: boolean;
  mayMove: boolean;
}

/** struct pagetable_move_control. */
interface Move {
  old: Vma;
  fresh: Vma;
  oldAddr: number;
  newAddr: number;
  oldEnd: number;
}

/** move_ptes(): `extent` pages within one PTE table each side. Returns false where the source table has gone (try again). */
function* movePtes(k: KernelState, mm: Mm, move: Move, extent: number, oldPmd: number, newPmd: number): Path<boolean> {
  const fn = "move_ptes";
  const tables = k.tables;
  const source = tables.child(oldPmd, pmdIndex(move.oldAddr));
  const target = tables.child(newPmd, pmdIndex(move.newAddr));
  const sourceLock = schedObject(OBJ_PTL, source);
  const targetLock = schedObject(OBJ_PTL, target);
  const from = pteIndex(move.oldAddr);
  const to = pteIndex(move.newAddr);
  if (source <= 0) return false;
  yield* lock(k, fn, sourceLock);
  if (!pmdSame(k, oldPmd, pmdIndex(move.oldAddr), source)) {
    yield* unlock(k, fn, sourceLock);
    return false;
  }
  if (target !== source) yield* lock(k, fn, targetLock);
  yield point(k, fn, "pte_write", schedObject(OBJ_PTE_ENTRY, source, from), true);
  if (k.countNs > 0) chargeCounts(k, 2);
  const dropWp = move.old.uffd !== null;
  for (let at = tables.nextPte(source, from, from + extent); at < from + extent; ) {
    const pte = tables.pte(source, at);
    const stop = tables.stretchEnd(source, at, from + extent);
    tables.fillPte(source, at, stop, 0);
    const dropped = dropWp && (pte & KIND_MASK) === KIND_MARKER_UFFD_WP;
    const moved = dropWp ? (pte & ~PTE_UFFD_WP) >>> 0 : pte;
    if (!dropped) tables.fillPte(target, at - from + to, stop - from + to, moved);
    k.timeNs += (stop - at) * k.options.cost.copyEntry;
    at = tables.nextPte(source, stop, from + extent);
  }
  yield point(k, fn, "tlb_flush", schedObject(OBJ_TLB, 0), true);
  tlbInvalidate(k, mm, move.oldAddr, move.oldAddr + extent);
  if (target !== source) yield* unlock(k, fn, targetLock);
  yield* unlock(k, fn, sourceLock);
  return true;
}

/** move_normal_pmd() and move_huge_pmd(): one PMD entry moves as it is. The target entry is none. False: not possible. */
function* movePmdEntry(
  k: KernelState,
  mm: Mm,
  move: Move,
  oldPmd: number,
  newPmd: number,
  huge: boolean,
): Path<boolean> {
  const fn = huge ? "move_huge_pmd" : "move_normal_pmd";
  const tables = k.tables;
  const from = pmdIndex(move.oldAddr);
  const to = pmdIndex(move.newAddr);
  if (tables.child(newPmd, to) !== 0) return false;
  if (!huge && move.old.uffd !== null) return false;
  yield* lock(k, fn, schedObject(OBJ_PML, oldPmd));
  if (newPmd !== oldPmd) yield* lock(k, fn, schedObject(OBJ_PML, newPmd));
  yield point(k, fn, "pmd_write", schedObject(OBJ_PMD_ENTRY, oldPmd, from), true);
  const entry = tables.child(oldPmd, from);
  const possible = huge ? entry < 0 : entry > 0;
  if (possible) {
    tables.setChild(oldPmd, from, 0);
    if (huge) {
      tables.setChild(newPmd, to, entry);
      if (move.old.uffd !== null) tables.setHuge(-entry, tables.huge(-entry) & ~PTE_UFFD_WP);
    } else linkTable(k, newPmd, to, entry);
    k.timeNs += k.options.cost.copyEntry;
  }
  yield point(k, fn, "tlb_flush", schedObject(OBJ_TLB, 0), true);
  tlbInvalidate(k, mm, move.oldAddr, move.oldAddr + PMD_PAGES);
  if (newPmd !== oldPmd) yield* unlock(k, fn, schedObject(OBJ_PML, newPmd));
  yield* unlock(k, fn, schedObject(OBJ_PML, oldPmd));
  return possible;
}

/** move_normal_pud(): a whole PMD table moves. */
function movePudEntry(k: KernelState, mm: Mm, move: Move, oldPud: number, newPud: number): boolean {
  if (move.old.uffd !== null) return false;
  const tables = k.tables;
  if (tables.child(newPud, pudIndex(move.newAddr)) !== 0) return false;
  const pmd = tables.child(oldPud, pudIndex(move.oldAddr));
  tables.setChild(oldPud, pudIndex(move.oldAddr), 0);
  linkTable(k, newPud, pudIndex(move.newAddr), pmd);
  forgetWalk(mm);
  k.timeNs += k.options.cost.copyEntry;
  return true;
}

/** get_extent(): how far both addresses stay within one slot. */
function getExtent(move: Move, slotPages: number): number {
  const old = slotStart(move.oldAddr, slotPages) + slotPages - move.oldAddr;
  const fresh = slotStart(move.newAddr, slotPages) + slotPages - move.newAddr;
  return Math.min(old, move.oldEnd - move.oldAddr, fresh);
}

/** try_realign_addr(): starts the move at the PMD boundary below where nothing else is mapped on either side. */
function tryRealign(mm: Mm, move: Move): void {
  const oldAlign = move.oldAddr % PMD_PAGES;
  if (move.oldEnd - move.oldAddr < PMD_PAGES - oldAlign || oldAlign === 0) return;
  if (oldAlign !== move.newAddr % PMD_PAGES) return;
  const canAlignDown = (vma: Vma, addr: number): boolean =>
    vma.start === addr && mm.vmas.intersection(pmdStart(addr), vma.start) === undefined;
  if (!canAlignDown(move.old, move.oldAddr) || !canAlignDown(move.fresh, move.newAddr)) return;
  move.oldAddr -= oldAlign;
  move.newAddr -= oldAlign;
}

/** move_page_tables(): everything that [addr, addr + pages) of `old` maps appears at `to` in `fresh`. */
function* movePageTables(
  k: KernelState,
  mm: Mm,
  old: Vma,
  fresh: Vma,
  addr: number,
  to: number,
  pages: number,
): Path<void> {
  const move: Move = { old, fresh, oldAddr: addr, newAddr: to, oldEnd: addr + pages };
  if ((old.flags & VM_HUGETLB) !== 0) {
    moveHugetlb(k, mm, move);
    return;
  }
  if (k.profile.mremapRealigns) tryRealign(mm, move);
  const next = (extent: number): void => {
    move.oldAddr += extent;
    move.newAddr += extent;
  };
  while (move.oldAddr < move.oldEnd) {
    let extent = getExtent(move, PUD_PAGES);
    const oldPud = pudTable(k, mm, move.oldAddr);
    if (oldPud === 0 || k.tables.child(oldPud, pudIndex(move.oldAddr)) === 0) {
      next(extent);
      continue;
    }
    const newPud = pudAlloc(k, mm, move.newAddr);
    if (extent === PUD_PAGES && movePudEntry(k, mm, move, oldPud, newPud)) {
      next(extent);
      continue;
    }
    extent = getExtent(move, PMD_PAGES);
    const oldPmd = pmdTable(k, mm, move.oldAddr);
    const index = pmdIndex(move.oldAddr);
    if (oldPmd === 0 || k.tables.child(oldPmd, index) === 0) {
      next(extent);
      continue;
    }
    const newPmd = pmdAlloc(k, mm, move.newAddr);
    for (;;) {
      const entry = k.tables.child(oldPmd, index);
      if (entry < 0) {
        if (extent === PMD_PAGES && (yield* movePmdEntry(k, mm, move, oldPmd, newPmd, true))) break;
        splitHugePmd(k, mm, old, oldPmd, index);
      } else if (extent === PMD_PAGES && (yield* movePmdEntry(k, mm, move, oldPmd, newPmd, false))) break;
      if (k.tables.child(oldPmd, index) === 0) break;
      yield* pteAlloc(k, mm, newPmd, pmdIndex(move.newAddr));
      if (yield* movePtes(k, mm, move, extent, oldPmd, newPmd)) break;
    }
    next(extent);
  }
}

/** move_hugetlb_page_tables(): addresses are aligned to huge pages. */
function moveHugetlb(k: KernelState, mm: Mm, move: Move): void {
  for (; move.oldAddr < move.oldEnd; move.oldAddr += PMD_PAGES, move.newAddr += PMD_PAGES) {
    const oldPmd = pmdTable(k, mm, move.oldAddr);
    const entry = oldPmd === 0 ? 0 : k.tables.child(oldPmd, pmdIndex(move.oldAddr));
    if (entry === 0) continue;
    const newPmd = pmdAlloc(k, mm, move.newAddr);
    k.tables.setChild(oldPmd, pmdIndex(move.oldAddr), 0);
    k.tables.setChild(newPmd, pmdIndex(move.newAddr), entry);
  }
}

/**
 * copy_vma(): a VMA for the moved range at `to`, joined with its neighbours if possible. A VMA without pages of its own gets
 * the page offset of its new place; one with pages keeps its own, so that it merges only where it came from.
 * Returns the VMA and the source, which is another object where the copy was merged into it.
 */
function copyVma(
  k: KernelState,
  mm: Mm,
  source: Vma,
  addr: number,
  to: number,
  pages: number,
  dontUnmap: boolean,
): { fresh: Vma; old: Vma } {
  let pgoff = source.pgoff + (addr - source.start);
  if (vmaIsAnonymous(source) && source.anonVma === null) pgoff = to;
  const index = mm.vmas.indexAbove(to);
  const start = source.start;
  let [prev, next]: (Vma | undefined)[] = [mm.vmas.list[index - 1], mm.vmas.list[index]];
  const request: MergeRequest = {
    start: to,
    end: to + pages,
    flags: source.flags,
    pgoff,
    file: source.file,
    uffd: source.uffd,
    anonVma: source.anonVma,
    middle: null,
    copiedFrom: source,
  };
  if (dontUnmap && k.profile.dontUnmapApart) {
    const { dontUnmapAlone } = k.profile;
    const left = canMergeLeft(k, prev, request) ? prev : null;
    if (left === source || (next === source && canMergeRight(k, left, next, request))) {
      prev = dontUnmapAlone || prev === source ? undefined : prev;
      next = dontUnmapAlone || next === source ? undefined : next;
    }
  }
  const merged = vmaMergeNewRange(k, mm, prev, next, request);
  if (merged !== null) {
    const intoItself = start >= merged.start && start < merged.end;
    return { fresh: merged, old: intoItself ? merged : source };
  }
  const fresh = dupVma(source);
  fresh.start = to;
  fresh.end = to + pages;
  fresh.pgoff = pgoff;
  fresh.anonVma = source.anonVma;
  anonVmaClone(fresh, source);
  mm.vmas.insert(fresh);
  k.timeNs += k.options.cost.vma;
  return { fresh, old: source };
}

/** dontunmap_complete(): the source stays, without its pages, accounted and no longer locked. */
function dontunmapComplete(k: KernelState, mm: Mm, old: Vma, fresh: Vma, { addr, oldPages }: RemapRequest): void {
  const end = addr + oldPages;
  if (k.profile.dontUnmapApart && (old.flags & VM_LOCKED_MASK) !== 0) {
    if (old.start < addr) splitVmaUnchecked(k, mm, old, addr, true);
    if (end < old.end) splitVmaUnchecked(k, mm, old, end, false);
  }
  old.flags &= ~VM_LOCKED_MASK;
  if (fresh === old || addr !== old.start || end !== old.end) return;
  unlinkAnonVmas(old);
  if (k.profile.dontUnmapRealigns && vmaIsAnonymous(old)) old.pgoff = old.start;
}

/** move_vma(): the range lies in one VMA and the target is free. */
export function* moveVma(k: KernelState, mm: Mm, vma: Vma, r: RemapRequest): Path<Errno | null> {
  if (mm.vmas.count >= k.profile.maxMapCount - 3) return "ENOMEM";
  const { fresh, old } = copyVma(k, mm, vma, r.addr, r.to, r.newPages, r.dontUnmap);
  yield* movePageTables(k, mm, old, fresh, r.addr, r.to, r.oldPages);
  if (fresh.uffd !== null) {
    // mremap_userfaultfd_prep(): without UFFD_FEATURE_EVENT_REMAP the new VMA is not registered.
    fresh.uffd = null;
    fresh.flags &= ~VM_UFFD_MASK;
  }
  mm.totalVm += r.newPages;
  const locked = (vma.flags & VM_LOCKED) !== 0;
  if (locked) mm.lockedVm += r.newPages;
  if (r.dontUnmap) {
    if (locked) mm.lockedVm -= r.newPages;
    dontunmapComplete(k, mm, old, fresh, r);
    return null;
  }
  // unmap_source_vma(): the pieces of the source that remain keep their flags. Of a second mapping (an old size of 0) there is nothing to unmap.
  if (r.oldPages > 0) yield* unmapRange(k, mm, r.addr, r.addr + r.oldPages);
  if (locked && r.newPages > r.oldPages) yield* mmPopulate(k, mm, r.to + r.oldPages, r.to + r.newPages);
  return null;
}

/** check_prep_vma(): may this VMA be moved or resized so? */
function checkPrepVma(vma: Vma, r: RemapRequest): Errno | null {
  if ((vma.flags & VM_HUGETLB) !== 0) {
    r.oldPages = Math.ceil(r.oldPages / PMD_PAGES) * PMD_PAGES;
    r.newPages = Math.ceil(r.newPages / PMD_PAGES) * PMD_PAGES;
    if (r.addr % PMD_PAGES !== 0 || (r.to >= 0 && r.to % PMD_PAGES !== 0) || r.newPages > r.oldPages) return "EINVAL";
  }
  // hugetlb mappings are VM_DONTEXPAND.
  if (r.dontUnmap && (vma.flags & VM_HUGETLB) !== 0) return "EINVAL";
  const moves = r.to >= 0 || r.newPages > r.oldPages;
  if (!moves) return null;
  if (r.oldPages === 0 && (vma.flags & VM_SHARED) === 0) return "EINVAL";
  // What is cut off first may lie in other VMAs; what moves may not.
  if (Math.min(r.oldPages, r.newPages) > vma.end - r.addr) return "EFAULT";
  if (r.newPages > r.oldPages && vma.pgoff + r.newPages > 2 ** 52) return "EINVAL";
  return null;
}

/** shrink_vma(): unmaps the part beyond the new size, by munmap's rules. */
export function* shrinkVma(k: KernelState, mm: Mm, r: RemapRequest): Path<Errno | null> {
  if (r.addr + r.oldPages > k.taskPages) return "EINVAL";
  return yield* unmapRange(k, mm, r.addr + r.newPages, r.addr + r.oldPages);
}

/** mremap_to(): MREMAP_FIXED, or MREMAP_DONTUNMAP. */
function* mremapTo(k: KernelState, mm: Mm, r: RemapRequest): Path<Errno | null> {
  const failed = yield* unmapRange(k, mm, r.to, r.to + r.newPages);
  if (failed !== null) return failed;
  if (mm.vmas.lookup(r.addr) === undefined) return "EFAULT";
  if (r.newPages < r.oldPages) {
    const cut = yield* shrinkVma(k, mm, r);
    if (cut !== null) return cut;
    r.oldPages = r.newPages;
  }
  const vma = mm.vmas.lookup(r.addr);
  if (vma === undefined) return "EFAULT";
  return yield* moveVma(k, mm, vma, r);
}

/** remap_move(): a move without a change of size may span VMAs; gaps between them are kept, one at the start is an error. */
function* remapMove(k: KernelState, mm: Mm, r: RemapRequest): Path<Errno | null> {
  const start = r.addr;
  const end = r.addr + r.oldPages;
  let target = r.to;
  let lastEnd = -1;
  let page = start;
  while (page < end) {
    const vma = mm.vmas.intersection(page, end);
    if (vma === undefined) break;
    if (lastEnd < 0 && start < vma.start) return "EFAULT";
    const addr = Math.max(vma.start, start);
    const pages = Math.min(end, vma.end) - addr;
    const offset = lastEnd < 0 ? 0 : vma.start - lastEnd;
    // vma_multi_allowed()
    if (vma.uffd !== null && (lastEnd >= 0 || vma.end < end)) return "EFAULT";
    lastEnd = vma.end;
    page = Math.min(vma.end, end);
    const part: RemapRequest = { ...r, addr, oldPages: pages, newPages: pages, to: target + offset };
    const failed = checkPrepVma(vma, part) ?? (yield* mremapTo(k, mm, part));
    if (failed !== null) return failed;
    target = part.to + part.newPages;
  }
  return lastEnd < 0 ? "EFAULT" : null;
}

/** expand_vma() in place: the VMA ends with the range and there is room after it. */
export function* expandInPlace(k: KernelState, mm: Mm, vma: Vma, r: RemapRequest): Path<boolean> {
  const delta = r.newPages - r.oldPages;
  if (vma.end - r.addr !== r.oldPages) return false;
  const end = vma.end + delta;
  if (end > k.taskPages || mm.vmas.intersection(vma.end, end) !== undefined) return false;
  const index = mm.vmas.indexOf(vma);
  const from = vma.end;
  vmaMergeNewRange(k, mm, vma, mm.vmas.list[index + 1], {
    start: from,
    end,
    flags: vma.flags,
    pgoff: vma.pgoff + (from - vma.start),
    file: vma.file,
    uffd: vma.uffd,
    anonVma: vma.anonVma,
    middle: null,
    copiedFrom: null,
  });
  mm.totalVm += delta;
  if ((vma.flags & VM_LOCKED) !== 0) {
    mm.lockedVm += delta;
    yield* mmPopulate(k, mm, from, end);
  }
  return true;
}

/**
 * do_mremap(). `findRoom` finds a free range if the kernel may choose. On success r.to (or r.addr if it did not move) is
 * where the mapping is.
 */
export function* doMremap(
  k: KernelState,
  mm: Mm,
  r: RemapRequest,
  findRoom: (pages: number) => number,
): Path<Errno | null> {
  if (r.newPages === 0 || r.newPages > k.taskPages) return "EINVAL";
  const fixed = r.to >= 0;
  if (fixed || r.dontUnmap) {
    if (r.dontUnmap && r.newPages !== r.oldPages) return "EINVAL";
    if (fixed) {
      if (r.to > k.taskPages - r.newPages) return "EINVAL";
      if (r.addr + r.oldPages > r.to && r.to + r.newPages > r.addr) return "EINVAL";
    }
    if (mm.vmas.count + 2 >= k.profile.maxMapCount - 3) return "ENOMEM";
  }
  if (fixed && r.newPages === r.oldPages && k.profile.mremapSeveral) return yield* remapMove(k, mm, r);
  const source = mm.vmas.lookup(r.addr);
  if (source === undefined) return "EFAULT";
  const failed = checkPrepVma(source, r);
  if (failed !== null) return failed;
  if (fixed) return yield* mremapTo(k, mm, r);
  if (r.dontUnmap) {
    r.to = findRoom(r.newPages);
    return r.to < 0 ? "ENOMEM" : yield* moveVma(k, mm, source, r);
  }
  r.to = r.addr;
  if (r.newPages === r.oldPages) return null;
  if (r.newPages < r.oldPages) return yield* shrinkVma(k, mm, r);
  if (yield* expandInPlace(k, mm, source, r)) return null;
  if (!r.mayMove) return "ENOMEM";
  r.to = findRoom(r.newPages);
  return r.to < 0 ? "ENOMEM" : yield* moveVma(k, mm, source, r);
}
