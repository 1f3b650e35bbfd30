/**
 * Walking, allocating and freeing tables (mm/memory.c: __pud_alloc, __pmd_alloc, __pte_alloc; include/linux/pgtable.h).
 */

import * as geometry from "./geometry.ts";
import { accountRebuilt } from "./policy-cost.ts";
import { callRcu, freeTableNow } from "./rcu.ts";
import type { KernelState, Mm } from "./state.ts";
import * as tableStates from "./tables.ts";

// Bound here, so that they are constants to the compiler (geometry.ts).
const {
  LEVEL_P4D,
  LEVEL_PGD,
  LEVEL_PMD,
  LEVEL_PTE,
  LEVEL_PUD,
  PUD_PAGES,
  p4dIndex,
  pgd5Index,
  pmdIndex,
  pudIndex,
  slotStart,
} = geometry;
const { TABLE_GATHERED, TABLE_LIVE, TABLE_UNLINKED } = tableStates;

/** The PUD table that covers `page`, or 0 (p4d_offset and below are none). */
export function pudTable(k: KernelState, mm: Mm, page: number): number {
  let row = mm.pgd;
  if (k.rootLevel === LEVEL_PGD) {
    row = k.tables.child(row, pgd5Index(page));
    if (row === 0) return 0;
  }
  return k.tables.child(row, p4dIndex(page));
}

/** The PMD table that covers `page`, or 0. */
export function pmdTable(k: KernelState, mm: Mm, page: number): number {
  const offset = page - mm.cachedStart;
  if (offset >= 0 && offset < PUD_PAGES) return mm.cachedPmdTable;
  const pud = pudTable(k, mm, page);
  if (pud === 0) return 0;
  const pmd = k.tables.child(pud, pudIndex(page));
  if (pmd !== 0) {
    mm.cachedStart = slotStart(page, PUD_PAGES);
    mm.cachedPmdTable = pmd;
  }
  return pmd;
}

/** The PMD entry that covers `page`: 0 none, > 0 a PTE table's row, < 0 minus a huge page's row. */
export function pmdEntry(k: KernelState, mm: Mm, page: number): number {
  const pmd = pmdTable(k, mm, page);
  return pmd === 0 ? 0 : k.tables.child(pmd, pmdIndex(page));
}

/** Call when a PMD table was detached. */
export function forgetWalk(mm: Mm): void {
  mm.cachedStart = Number.POSITIVE_INFINITY;
}

function newTable(k: KernelState, level: number): number {
  k.stats.tablesAllocated++;
  k.timeNs += k.options.cost.tableAlloc;
  return k.tables.alloc(level, TABLE_UNLINKED);
}

/** Installs a table in its parent. */
export function linkTable(k: KernelState, parent: number, index: number, row: number): void {
  const { tables } = k;
  tables.setChild(parent, index, row);
  if (tables.level[row] !== LEVEL_PTE) tables.setOwner(row, tables.owner(parent));
  tables.setState(row, TABLE_LIVE);
}

/** pud_alloc(): the PUD table that covers `page`, allocated if missing. */
export function pudAlloc(k: KernelState, mm: Mm, page: number): number {
  let row = mm.pgd;
  if (k.rootLevel === LEVEL_PGD) {
    const index = pgd5Index(page);
    let p4d = k.tables.child(row, index);
    if (p4d === 0) {
      p4d = newTable(k, LEVEL_P4D);
      linkTable(k, row, index, p4d);
    }
    row = p4d;
  }
  const index = p4dIndex(page);
  let pud = k.tables.child(row, index);
  if (pud === 0) {
    pud = newTable(k, LEVEL_PUD);
    linkTable(k, row, index, pud);
    mm.puds++;
  }
  return pud;
}

/** pmd_alloc(): the PMD table that covers `page`, allocated (with the levels above) if missing. */
export function pmdAlloc(k: KernelState, mm: Mm, page: number): number {
  const found = pmdTable(k, mm, page);
  if (found !== 0) return found;
  const pud = pudAlloc(k, mm, page);
  const pmd = newTable(k, LEVEL_PMD);
  linkTable(k, pud, pudIndex(page), pmd);
  mm.pmds++;
  return pmd;
}

/** pte_alloc_one(): a PTE table that nothing points to yet and that is charged to no process. */
export function pteAllocOne(k: KernelState): number {
  return newTable(k, LEVEL_PTE);
}

/** pte_free(): frees a table from pteAllocOne, or a deposited one; nobody can be walking it. */
export function pteFree(k: KernelState, row: number): void {
  k.timeNs += k.options.cost.tableFree;
  freeTableNow(k, row);
}

/** pte_free_defer(): frees a detached table by RCU. The caller accounts for the cost. */
export function pteFreeDefer(k: KernelState, row: number): void {
  // Off the count of empty live tables before it waits.
  k.tables.setState(row, TABLE_GATHERED);
  callRcu(k, row);
}

/** pmd_install(): links a table from pteAllocOne and charges it. */
export function pmdInstall(k: KernelState, mm: Mm, pmd: number, index: number, row: number): void {
  linkTable(k, pmd, index, row);
  mm.ptes++;
  if (k.tables.takeMark(pmd, index)) accountRebuilt(k);
}
