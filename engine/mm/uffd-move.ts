/** UFFDIO_MOVE (mm/userfaultfd.c: move_pages and below). Ranges are in pages. */

import type { Errno } from "./errno.ts";
import { PMD_PAGES, pmdIndex, pteIndex } from "./geometry.ts";
import { anonPrepare } from "./mm-util.ts";
import { pmdAlloc, pmdTable } from "./pgtable.ts";
import { chargeCounts } from "./policy-cost.ts";
import { KIND_ANON, KIND_MASK, KIND_SWAP, KIND_ZERO, PTE_DIRTY, PTE_EXCLUSIVE, PTE_WRITE } from "./pte.ts";
import { pmdSame, pteAlloc, pteSame } from "./pte-map.ts";
import { rcuReadLock, rcuReadUnlock } from "./rcu.ts";
import {
  lock,
  OBJ_PMD_ENTRY,
  OBJ_PTE_ENTRY,
  OBJ_PTL,
  OBJ_TLB,
  type Path,
  point,
  schedObject,
  unlock,
} from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { hugeShared, splitHugePmd } from "./thp.ts";
import { tlbInvalidate } from "./tlb.ts";
import { uffdOf } from "./userfaultfd.ts";
import { VM_ACCESS_FLAGS, VM_LOCKED, VM_SHARED, VM_WRITE, type Vma, vmaIsAnonymous } from "./vma.ts";

/** move_pages_pte()'s outcome besides an errno. */
const MOVED = null;

/** validate_move_areas(): may pages move from `src` to `dst`? */
function validateMoveAreas(dst: Vma, src: Vma): boolean {
  const same = VM_ACCESS_FLAGS | VM_LOCKED | VM_SHARED;
  return (
    (src.flags & VM_SHARED) === 0 &&
    (src.flags & same) === (dst.flags & same) &&
    (src.flags & VM_WRITE) !== 0 &&
    vmaIsAnonymous(src) &&
    vmaIsAnonymous(dst)
  );
}

/** move_pages_pte(): both tables stay mapped (inside rcu_read_lock) from the first look to the last unlock. */
function* movePagesPte(k: KernelState, mm: Mm, to: number, from: number): Path<Errno | null> {
  const result = yield* movePageMapped(k, mm, to, from);
  rcuReadUnlock(k);
  return result;
}

/**
 * move_pages_pte(): one small page moves from `from` to `to`. With patch 2 the destination's PMD entry is compared with
 * what it was when its table was mapped; without it only both PTEs are. EAGAIN: something changed, try again.
 */
function* movePageMapped(k: KernelState, mm: Mm, to: number, from: number): Path<Errno | null> {
  const fn = "move_pages_pte";
  const tables = k.tables;
  const dstPmd = pmdAlloc(k, mm, to);
  const srcPmd = pmdTable(k, mm, from);
  if (srcPmd === 0) return "ENOENT";
  const dstIndex = pmdIndex(to);
  const srcIndex = pmdIndex(from);
  yield point(k, fn, "pmd_read", schedObject(OBJ_PMD_ENTRY, dstPmd, dstIndex), false);
  rcuReadLock(k);
  const dstRow = tables.child(dstPmd, dstIndex);
  const srcRow = tables.child(srcPmd, srcIndex);
  if (dstRow < 0) return "EEXIST";
  if (dstRow === 0 || srcRow <= 0) return srcRow === 0 ? "ENOENT" : "EAGAIN";
  const dstAt = pteIndex(to);
  const srcAt = pteIndex(from);
  // pte_offset_map_rw_nolock() on both: values as they are without the locks.
  yield point(k, fn, "pte_read", schedObject(OBJ_PTE_ENTRY, dstRow, dstAt), false);
  const dstPte = tables.pte(dstRow, dstAt);
  if (dstPte !== 0) return "EEXIST";
  yield point(k, fn, "pte_read", schedObject(OBJ_PTE_ENTRY, srcRow, srcAt), false);
  const srcPte = tables.pte(srcRow, srcAt);
  const kind = srcPte & KIND_MASK;
  if (srcPte === 0) return "ENOENT";
  if (kind !== KIND_ANON && kind !== KIND_ZERO && kind !== KIND_SWAP) return "EFAULT";
  if (kind !== KIND_ZERO && (srcPte & PTE_EXCLUSIVE) === 0) return "EBUSY";
  if (k.countNs > 0) chargeCounts(k, 2);
  // double_pt_lock()
  const first = Math.min(dstRow, srcRow);
  const second = Math.max(dstRow, srcRow);
  yield* lock(k, fn, schedObject(OBJ_PTL, first));
  if (second !== first) yield* lock(k, fn, schedObject(OBJ_PTL, second));
  // The tables may have been detached since they were mapped: their memory is still there inside rcu_read_lock.
  const stable =
    pteSame(k, srcRow, srcAt, srcPte) &&
    pteSame(k, dstRow, dstAt, dstPte) &&
    (!k.options.patches.recheckMove || pmdSame(k, dstPmd, dstIndex, dstRow));
  if (!stable) {
    if (second !== first) yield* unlock(k, fn, schedObject(OBJ_PTL, second));
    yield* unlock(k, fn, schedObject(OBJ_PTL, first));
    return "EAGAIN";
  }
  yield point(k, "move_present_ptes", "pte_write", schedObject(OBJ_PTE_ENTRY, srcRow, srcAt), true);
  tables.setPte(srcRow, srcAt, 0);
  tlbInvalidate(k, mm, from, from + 1);
  if (kind === KIND_SWAP || kind === KIND_ZERO) tables.setPte(dstRow, dstAt, srcPte);
  else tables.setPte(dstRow, dstAt, (srcPte | PTE_WRITE | PTE_DIRTY) >>> 0);
  k.timeNs += k.options.cost.copyEntry;
  yield point(k, fn, "tlb_flush", schedObject(OBJ_TLB, 0), true);
  if (second !== first) yield* unlock(k, fn, schedObject(OBJ_PTL, second));
  yield* unlock(k, fn, schedObject(OBJ_PTL, first));
  return MOVED;
}

/** move_pages(): [src, src + pages) moves to `dst`. Stops at the first page that cannot move; earlier pages have moved. */
export function* uffdMove(k: KernelState, mm: Mm, dst: number, src: number, pages: number): Path<Errno | null> {
  const dstVma = mm.vmas.lookup(dst);
  if (dstVma === undefined) return "ENOENT";
  // uffd_move_lock(): whatever comes of it.
  if ((dstVma.flags & VM_SHARED) === 0) anonPrepare(k, mm, dstVma);
  const srcVma = mm.vmas.lookup(src);
  if (srcVma === undefined) return "ENOENT";
  if (dst + pages > dstVma.end || src + pages > srcVma.end) return "EINVAL";
  if (dstVma.uffd !== uffdOf(mm) || !validateMoveAreas(dstVma, srcVma)) return "EINVAL";
  let moved = 0;
  while (moved < pages) {
    const from = src + moved;
    const to = dst + moved;
    const srcPmd = pmdTable(k, mm, from);
    if (srcPmd === 0) return moved > 0 ? "EAGAIN" : "ENOENT";
    const entry = k.tables.child(srcPmd, pmdIndex(from));
    const dstPmd = pmdAlloc(k, mm, to);
    const dstEntry = k.tables.child(dstPmd, pmdIndex(to));
    if (dstEntry < 0) return moved > 0 ? "EAGAIN" : "EEXIST";
    if (entry < 0) {
      const whole = from % PMD_PAGES === 0 && to % PMD_PAGES === 0 && pages - moved >= PMD_PAGES;
      if (hugeShared(k, -entry)) return moved > 0 ? "EAGAIN" : "EBUSY";
      if (whole && dstEntry === 0) {
        k.tables.setChild(srcPmd, pmdIndex(from), 0);
        k.tables.setChild(dstPmd, pmdIndex(to), entry);
        moved += PMD_PAGES;
        continue;
      }
      splitHugePmd(k, mm, srcVma, srcPmd, pmdIndex(from));
    }
    if (entry === 0) return moved > 0 ? "EAGAIN" : "ENOENT";
    if (dstEntry === 0) yield* pteAlloc(k, mm, dstPmd, pmdIndex(to));
    const failed: Errno | null = yield* movePagesPte(k, mm, to, from);
    if (failed === "EAGAIN") continue;
    if (failed !== null) return moved > 0 ? "EAGAIN" : failed;
    moved++;
  }
  return null;
}
