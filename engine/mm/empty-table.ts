/** Detecting that a PTE table is empty, and freeing it outside a zap: what the policies other than the series are made of. */

import { PMD_PAGES, PTRS_PER_TABLE } from "./geometry.ts";
import { pteFreeDefer } from "./pgtable.ts";
import { charge } from "./policy-cost.ts";
import { KIND_MASK, KIND_ZERO, PTE_UFFD_WP } from "./pte.ts";
import type { KernelState, Mm } from "./state.ts";
import { VM_LOCKED } from "./vma.ts";

/** Are all entries the zero page, and none of them write-protected by a userfaultfd, which a new fault would not know? */
function allZero(k: KernelState, row: number): boolean {
  const { tables } = k;
  for (let at = tables.nextPte(row, 0, PTRS_PER_TABLE); at < PTRS_PER_TABLE; ) {
    const pte = tables.pte(row, at);
    if ((pte & KIND_MASK) !== KIND_ZERO || (pte & PTE_UFFD_WP) !== 0) return false;
    at = tables.nextPte(row, tables.stretchEnd(row, at, PTRS_PER_TABLE), PTRS_PER_TABLE);
  }
  return true;
}

/** Is memory of the 2 MiB from `base` on locked? It may not have to be faulted in again. */
function locked(mm: Mm, base: number): boolean {
  const { list } = mm.vmas;
  for (let at = mm.vmas.indexAbove(base); at < list.length && list[at].start < base + PMD_PAGES; at++)
    if ((list[at].flags & VM_LOCKED) !== 0) return true;
  return false;
}

/**
 * Reads the entries of a live table, which covers the pages from `base`, until one is found that keeps it. With
 * `zeroTables` the zero page does not keep it, and is unmapped: a table that was found empty has no entries left.
 */
export function looksEmpty(k: KernelState, mm: Mm, row: number, base: number): boolean {
  const { tables } = k;
  const { cost, zeroTables } = k.options;
  const first = tables.nextPte(row, 0, PTRS_PER_TABLE);
  charge(k, Math.min(first + 1, PTRS_PER_TABLE) * cost.lookEntry);
  if (first === PTRS_PER_TABLE) return true;
  if (!zeroTables || !allZero(k, row) || locked(mm, base)) return false;
  charge(k, (PTRS_PER_TABLE - first - 1) * cost.lookEntry);
  tables.fillPte(row, 0, PTRS_PER_TABLE, 0);
  return true;
}

/** Detaches a live, empty table from its PMD entry and uncharges it; under the PMD lock and the table's. */
export function detachEmptyTable(k: KernelState, row: number): void {
  const { tables } = k;
  const pmd = tables.parent[row];
  const index = tables.slot[row];
  tables.setChild(pmd, index, 0);
  tables.markFreed(pmd, index);
  k.processes[tables.owner(pmd)].ptes--;
}

/** pte_free_defer(): hands a detached table to RCU. */
export function deferEmptyTable(k: KernelState, row: number): void {
  pteFreeDefer(k, row);
  charge(k, k.options.cost.deferFree);
}

/** flush_tlb_range() of the range of a detached table: more pages than are flushed one by one. */
export function flushTable(k: KernelState): void {
  k.stats.tlbFlushesFull++;
  charge(k, k.options.cost.tlbFull);
}
