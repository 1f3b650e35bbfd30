/**
 * Reference counts of PTE tables (include/linux/pte_ref.h of the series of November 2021 and April 2022): every entry that is not
 * none holds one, and whoever walks a table holds one meanwhile. The last to go takes the table with it, on any path.
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
 * free_pte_table(): frees a table of which nothing holds a reference any more: under the PMD lock and its own, since a path that holds
 * the table's lock holds a reference, too. A table that was refilled, or is walked, stays. `flushed`: by a gather that has flushed what went.
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
 * pte_put() of a path that has worked under the tables' locks: those that have become empty, or were made and not used, are freed. To be
 * called where a path lets go of what it walked. A table that a walker without a lock still holds is freed by that walker's own put.
 */
export function* putEmptyTables(k: KernelState, flushed: boolean): Path<void> {
  const { tables } = k;
  const { emptied } = tables;
  if (emptied === null || emptied.length === 0) return;
  for (const row of emptied) if (tables.state[row] === TABLE_LIVE) yield* freePteTable(k, row, flushed);
  emptied.length = 0;
}
