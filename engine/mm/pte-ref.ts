/**
 * Reference counts of PTE tables (include/linux/pte_ref.h of the series of November 2021 and April 2022): every entry that is not
 * none holds one, and a walker of a table holds one meanwhile. Dropping the last one frees the table, on any path.
 */

import { deferEmptyTable, detachEmptyTable, flushTable } from "./empty-table.ts";
import { isWalked } from "./explored.ts";
import { PTRS_PER_TABLE } from "./geometry.ts";
import {
  lock,
  OBJ_PMD_ENTRY,
  OBJ_PML,
  OBJ_PTL,
  OBJ_TABLE,
  OBJ_TLB,
  type Path,
  point,
  schedObject,
  unlock,
} from "./sched.ts";
import type { KernelState } from "./state.ts";
import { TABLE_LIVE } from "./tables.ts";

/**
 * free_pte_table(): frees a table without references: under the PMD lock and its own, since a path that holds
 * the table's lock also holds a reference. A table that was refilled, or is walked, stays. `flushed`: by a gather that has already flushed.
 */
export function* freePteTable(k: KernelState, row: number, flushed: boolean): Path<void> {
  const { tables } = k;
  const fn = "free_pte_table";
  const pmd = tables.parent[row];
  const index = tables.slot[row];
  yield* lock(k, fn, schedObject(OBJ_PML, pmd));
  if (tables.child(pmd, index) !== row) {
    yield* unlock(k, fn, schedObject(OBJ_PML, pmd));
    return;
  }
  yield* lock(k, fn, schedObject(OBJ_PTL, row));
  const gone = !isWalked(k, row) && tables.nextPte(row, 0, PTRS_PER_TABLE) === PTRS_PER_TABLE;
  if (gone) {
    yield point(k, fn, "pmd_write", schedObject(OBJ_PMD_ENTRY, pmd, index), true);
    detachEmptyTable(k, row);
  }
  yield* unlock(k, fn, schedObject(OBJ_PTL, row));
  yield* unlock(k, fn, schedObject(OBJ_PML, pmd));
  if (!gone) return;
  if (!flushed) {
    yield point(k, fn, "tlb_flush", schedObject(OBJ_TLB, 0), true);
    flushTable(k);
  }
  yield point(k, fn, "free_table", schedObject(OBJ_TABLE, row), true);
  deferEmptyTable(k, row);
  k.stats.reclaimedFast++;
}

/**
 * pte_put() of a path that worked under the tables' locks: frees tables that became empty, or were allocated and not used. To be
 * called when a path drops what it walked. A table that a lockless walker still holds is freed by that walker's own put.
 */
export function* putEmptyTables(k: KernelState, flushed: boolean): Path<void> {
  const { tables } = k;
  const { emptied } = tables;
  if (emptied === null || emptied.length === 0) return;
  for (const row of emptied) if (tables.state[row] === TABLE_LIVE) yield* freePteTable(k, row, flushed);
  emptied.length = 0;
}
