// Made from ../pte-ref.ts by `npm run plain-paths`, which says how: change that file, not this one.

import { deferEmptyTable, detachEmptyTable, flushTable } from "../empty-table.ts";

import { PTRS_PER_TABLE } from "../geometry.ts";

import type { KernelState } from "../state.ts";
import { TABLE_LIVE } from "../tables.ts";
export function freePteTable(k: KernelState, row: number, flushed: boolean): void {
  const { tables } = k;

  const pmd = tables.parent[row];
  const index = tables.slot[row];

  if (tables.child(pmd, index) !== row) {
    return;
  }

  const gone = tables.nextPte(row, 0, PTRS_PER_TABLE) === PTRS_PER_TABLE;
  if (gone) {
    detachEmptyTable(k, row);
  }

  if (!gone) return;
  if (!flushed) {
    flushTable(k);
  }

  deferEmptyTable(k, row);
  k.stats.reclaimedFast++;
}
export function putEmptyTables(k: KernelState, flushed: boolean): void {
  const { tables } = k;
  const { emptied } = tables;
  if (emptied === null || emptied.length === 0) return;
  for (const row of emptied) if (tables.state[row] === TABLE_LIVE) freePteTable(k, row, flushed);
  emptied.length = 0;
}
