/**
 * Reference counts of PTE tables (include/linux/pte_ref.h of the series of November 2021 and April 2022): every entry that is not
 * none holds one, and whoever walks a table holds one meanwhile. The last to go takes the table with it, on any path.
 */

import { flushTable, freeEmptyTable } from "./empty-table.ts";
import type { KernelState } from "./state.ts";
import { TABLE_LIVE } from "./tables.ts";

/**
 * pte_put() of the last reference: tables that have become empty, or were made and not used, are freed. To be called where a path
 * lets go of what it walked; `flushed`: by a gather that has flushed what went.
 */
export function putEmptyTables(k: KernelState, flushed: boolean): void {
  const { emptied } = k.tables;
  if (emptied === null || emptied.length === 0) return;
  for (const row of emptied) {
    if (k.tables.state[row] !== TABLE_LIVE || k.tables.count[row] > 0) continue;
    freeEmptyTable(k, row);
    if (!flushed) flushTable(k);
    k.stats.reclaimedFast++;
  }
  emptied.length = 0;
}
