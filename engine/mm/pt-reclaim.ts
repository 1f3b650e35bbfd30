/** Reclaim of empty PTE tables (mm/pt_reclaim.c). */

import { looksEmpty } from "./empty-table.ts";
import type { MmuGather } from "./gather.ts";
import { PTRS_PER_TABLE } from "./geometry.ts";
import { tlbRemoveTable } from "./mmu-gather.ts";
import { account } from "./policy-cost.ts";
import {
  acquire,
  lock,
  OBJ_PMD_ENTRY,
  OBJ_PML,
  OBJ_PTL,
  type Path,
  point,
  release,
  schedObject,
  unlock,
} from "./sched.ts";
import type { KernelState } from "./state.ts";
import type { ZapDetails } from "./zap-details.ts";

/** reclaim_pt_is_enabled(): `pages` of one PMD slot are about to be zapped. */
export function reclaimPtIsEnabled(k: KernelState, pages: number, details: ZapDetails): boolean {
  return details.reclaimPt && pages >= k.reclaimPages;
}

/**
 * try_get_and_clear_pmd(): with the PTE lock held, trylocks the PMD lock and clears the entry. Returns whether it did. The caller
 * has yielded the point of the trylock.
 */
export function tryGetAndClearPmd(k: KernelState, pmd: number, index: number): boolean {
  const pml = schedObject(OBJ_PML, pmd);
  if (!acquire(k, pml)) {
    k.stats.trylockFailed++;
    return false;
  }
  k.tables.setChild(pmd, index, 0);
  release(k, pml);
  return true;
}

/** free_pte(): a detached table is gathered and uncharged. `page`: the first page that it covered. */
export function* freePte(k: KernelState, tlb: MmuGather, row: number, page: number): Path<void> {
  tlb.mm.ptes--;
  k.tables.markFreed(k.tables.parent[row], k.tables.slot[row]);
  account(k, k.options.cost.tableFree);
  yield* tlbRemoveTable(k, tlb, row, page);
}

/**
 * try_to_free_pte(): the slow path, after the PTE lock was dropped. Takes the PMD lock, then the PTE lock, checks all
 * entries again, and frees the table only if every one is none.
 */
export function* tryToFreePte(k: KernelState, tlb: MmuGather, pmd: number, index: number, page: number): Path<void> {
  const fn = "try_to_free_pte";
  const pml = schedObject(OBJ_PML, pmd);
  yield* lock(k, fn, pml);
  const row = k.tables.child(pmd, index);
  if (row <= 0) {
    yield* unlock(k, fn, pml);
    return;
  }
  const ptl = schedObject(OBJ_PTL, row);
  yield* lock(k, fn, ptl);
  const empty = k.options.zeroTables
    ? looksEmpty(k, tlb.mm, row, page)
    : k.tables.nextPte(row, 0, PTRS_PER_TABLE) === PTRS_PER_TABLE;
  if (!empty) {
    k.stats.declinedRefilled++;
    yield* unlock(k, fn, ptl);
    yield* unlock(k, fn, pml);
    return;
  }
  yield point(k, fn, "pmd_write", schedObject(OBJ_PMD_ENTRY, pmd, index), true);
  k.tables.setChild(pmd, index, 0);
  yield* unlock(k, fn, ptl);
  yield* unlock(k, fn, pml);
  yield* freePte(k, tlb, row, page);
  k.stats.reclaimedSlow++;
}
