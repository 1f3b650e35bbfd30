/**
 * pte_offset_map_lock() and pte_unmap_unlock() (mm/pgtable-generic.c) in an explored kernel. In an experiment nothing can come
 * between looking at a PMD entry and using the table under it, and callers look at it directly.
 */

import { pmdInstall, pteAllocOne, pteFree } from "./pgtable.ts";
import { rcuReadLock, rcuReadUnlock } from "./rcu.ts";
import { lock, OBJ_PMD_ENTRY, OBJ_PML, OBJ_PTL, type Path, point, schedObject, unlock } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";

/**
 * Maps and locks the PTE table under entry `index` of a PMD table: inside rcu_read_lock the entry is read, the table's lock is
 * taken, and the entry is read again, until both agree. Returns the table's row, its lock held, or what the entry is instead:
 * 0 none, < 0 huge; nothing is held then.
 */
export function* pteOffsetMapLock(k: KernelState, fn: string, pmd: number, index: number): Path<number> {
  for (;;) {
    yield point(k, fn, "pmd_read", schedObject(OBJ_PMD_ENTRY, pmd, index), false);
    const row = k.tables.child(pmd, index);
    if (row <= 0) return row;
    rcuReadLock(k);
    const ptl = schedObject(OBJ_PTL, row);
    yield* lock(k, fn, ptl);
    if (k.tables.child(pmd, index) === row) return row;
    yield* pteUnmapUnlock(k, fn, row);
  }
}

/** Gives back what pteOffsetMapLock() returned. */
export function* pteUnmapUnlock(k: KernelState, fn: string, row: number): Path<void> {
  yield* unlock(k, fn, schedObject(OBJ_PTL, row));
  rcuReadUnlock(k);
}

/**
 * pte_alloc() in an explored kernel: makes sure that the PMD entry has a PTE table; returns its row, or < 0 where a huge page is
 * there. The table may have gone again by the time that the caller uses it.
 */
export function* pteAllocPath(k: KernelState, mm: Mm, pmd: number, index: number): Path<number> {
  const found = k.tables.child(pmd, index);
  if (found !== 0) return found;
  const fresh = pteAllocOne(k);
  const pml = schedObject(OBJ_PML, pmd);
  yield* lock(k, "__pte_alloc", pml);
  const again = k.tables.child(pmd, index);
  if (again === 0) {
    yield point(k, "pmd_install", "pmd_write", schedObject(OBJ_PMD_ENTRY, pmd, index), true);
    pmdInstall(k, mm, pmd, index, fresh);
  }
  yield* unlock(k, "__pte_alloc", pml);
  if (again === 0) return fresh;
  pteFree(k, fresh);
  return again;
}
