/** pte_alloc(), pte_offset_map_lock() and pte_unmap_unlock() (mm/memory.c, mm/pgtable-generic.c). */

import { pmdInstall, pteAllocOne, pteFree } from "./pgtable.ts";
import { rcuReadLock, rcuReadUnlock } from "./rcu.ts";
import { lock, OBJ_PMD_ENTRY, OBJ_PML, OBJ_PTL, type Path, point, schedObject, unlock } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";

/**
 * pmd_same(): is entry `index` of a PMD table unchanged since it was read without the lock?
 * @plain true
 */
export function pmdSame(k: KernelState, pmd: number, index: number, entry: number): boolean {
  return k.tables.child(pmd, index) === entry;
}

/**
 * pte_same(): is entry `at` of a PTE table unchanged since it was read without the lock?
 * @plain true
 */
export function pteSame(k: KernelState, row: number, at: number, pte: number): boolean {
  return k.tables.pte(row, at) === pte;
}

/**
 * Maps and locks the PTE table under entry `index` of a PMD table: inside rcu_read_lock it reads the entry, takes the table's
 * lock, and reads the entry again, until both agree. Returns the table's row, with its lock held, or what the entry is instead:
 * 0 none, < 0 huge; then nothing is held.
 */
export function* pteOffsetMapLock(k: KernelState, fn: string, pmd: number, index: number): Path<number> {
  for (;;) {
    yield point(k, fn, "pmd_read", schedObject(OBJ_PMD_ENTRY, pmd, index), false);
    const row = k.tables.child(pmd, index);
    if (row <= 0) return row;
    rcuReadLock(k);
    const ptl = schedObject(OBJ_PTL, row);
    yield* lock(k, fn, ptl);
    if (pmdSame(k, pmd, index, row)) return row;
    yield* pteUnmapUnlock(k, fn, row);
  }
}

/**
 * Releases what pteOffsetMapLock() returned.
 * @plain nothing
 */
export function* pteUnmapUnlock(k: KernelState, fn: string, row: number): Path<void> {
  yield* unlock(k, fn, schedObject(OBJ_PTL, row));
  rcuReadUnlock(k);
}

/**
 * pte_alloc(): makes sure that the PMD entry has a PTE table; returns its row, or < 0 for a huge page. The table may be
 * gone again by the time the caller uses it.
 */
export function* pteAlloc(k: KernelState, mm: Mm, pmd: number, index: number): Path<number> {
  const found = k.tables.child(pmd, index);
  if (found !== 0) return found;
  const fresh = pteAllocOne(k);
  const pml = schedObject(OBJ_PML, pmd);
  yield* lock(k, "__pte_alloc", pml);
  if (pmdSame(k, pmd, index, 0)) {
    yield point(k, "pmd_install", "pmd_write", schedObject(OBJ_PMD_ENTRY, pmd, index), true);
    pmdInstall(k, mm, pmd, index, fresh);
    yield* unlock(k, "__pte_alloc", pml);
    return fresh;
  }
  const other = k.tables.child(pmd, index);
  yield* unlock(k, "__pte_alloc", pml);
  pteFree(k, fresh);
  return other;
}
