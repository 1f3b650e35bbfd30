/**
 * mmu_gather (mm/mmu_gather.c): pages and tables that were unmapped are collected and freed after a TLB flush.
 *
 * Pages: 8 slots on the stack, then at most 19 batch pages of 510 slots; a batch is left for the next while one slot is free
 * (a folio and its length may need two). Tables: batches of 509, freed by RCU; if no page can be allocated for a batch, the
 * table is freed alone, by RCU with patch 10, otherwise by an IPI to every CPU.
 */

import { freePages } from "./explored.ts";
import * as gather from "./gather.ts";
import { putEmptyTables } from "./pte-ref.ts";
import { callRcu, freeTableNow } from "./rcu.ts";
import { OBJ_CPU, OBJ_TABLE, OBJ_TLB, type Path, point, schedObject } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import * as tableStates from "./tables.ts";
import { tlbInvalidate } from "./tlb.ts";

// Bound here, so that they are constants to the compiler (geometry.ts).
const { MAX_TABLE_BATCH, MmuGather, tlbAdjustRange } = gather;
const { TABLE_GATHERED } = tableStates;

/** arch/x86/mm/tlb.c: tlb_single_page_flush_ceiling. */
const TLB_FLUSH_CEILING = 33;

/** tlb_gather_mmu(), for madvise() of [start, end). Release it with tlbFinishMmu(). */
export function tlbGatherMmu(k: KernelState, mm: Mm, start = 0, end = 0): gather.MmuGather {
  const tlb = k.spareGather;
  if (tlb === null) return new MmuGather(mm, start, end);
  k.spareGather = null;
  if (tlb.mm !== mm) tlb.mm = mm;
  tlb.requestStart = start;
  tlb.requestEnd = end;
  tlb.declinedSlot = -1;
  return tlb;
}

/** tlb_flush_mmu_tlbonly(): flushes the gathered range, if there is one. */
export function tlbFlushMmuTlbonly(k: KernelState, tlb: gather.MmuGather): void {
  if (tlb.start >= tlb.end) return;
  const stats = k.stats;
  const pages = tlb.end - tlb.start;
  if (pages > TLB_FLUSH_CEILING) {
    stats.tlbFlushesFull++;
    k.timeNs += k.options.cost.tlbFull;
  } else {
    stats.tlbFlushesPaged++;
    stats.tlbPagesFlushed += pages;
    k.timeNs += k.options.cost.tlbPage * pages;
  }
  tlbInvalidate(k, tlb.mm, tlb.start, tlb.end);
  tlb.start = Number.POSITIVE_INFINITY;
  tlb.end = 0;
  tlb.freedTables = false;
}

/** tlb_table_flush(): the batch of tables, which is not empty, goes to RCU. */
function tlbTableFlush(k: KernelState, tlb: gather.MmuGather): void {
  tlbFlushMmuTlbonly(k, tlb);
  let row = tlb.tableHead;
  while (row !== 0) {
    const next = k.tables.parent[row];
    callRcu(k, row);
    row = next;
  }
  tlb.tableHead = 0;
  tlb.tableCount = 0;
  k.stats.tableBatches++;
}

/** tlb_flush_mmu_free(): frees what was gathered, after the flush. */
function tlbFlushMmuFree(k: KernelState, tlb: gather.MmuGather): void {
  if (tlb.tableCount > 0) tlbTableFlush(k, tlb);
  freePages(k, tlb);
  tlb.pages = 0;
}

/** tlb_flush_mmu(): flushes, then frees what was gathered, if anything. */
export function* tlbFlushMmu(k: KernelState, tlb: gather.MmuGather): Path<void> {
  if (tlb.start < tlb.end) {
    yield point(k, "tlb_flush_mmu_tlbonly", "tlb_flush", schedObject(OBJ_TLB, 0), true);
    tlbFlushMmuTlbonly(k, tlb);
  }
  if (tlb.tableCount > 0 || tlb.pages > 0) {
    yield point(k, "tlb_flush_mmu_free", "free_table", schedObject(OBJ_TABLE, tlb.tableHead), true);
    tlbFlushMmuFree(k, tlb);
  }
}

/**
 * tlb_remove_table(): a table that was detached and covers pages from `page` on. The caller has dropped it from the
 * process's count.
 */
export function* tlbRemoveTable(k: KernelState, tlb: gather.MmuGather, row: number, page: number): Path<void> {
  k.timeNs += k.options.cost.tableFree;
  tlbAdjustRange(tlb, page, page + 1);
  tlb.freedTables = true;
  k.tables.setState(row, TABLE_GATHERED);
  if (tlb.tableCount === 0 && k.rng.chance(k.options.batchFailRate)) {
    yield* tlbRemoveTableOne(k, tlb, row);
    return;
  }
  k.tables.parent[row] = tlb.tableHead;
  tlb.tableHead = row;
  tlb.tableCount++;
  if (tlb.tableCount === MAX_TABLE_BATCH) {
    yield point(k, "tlb_flush_mmu_tlbonly", "tlb_flush", schedObject(OBJ_TLB, 0), true);
    tlbFlushMmuTlbonly(k, tlb);
    yield point(k, "tlb_table_flush", "free_table", schedObject(OBJ_TABLE, row), true);
    tlbTableFlush(k, tlb);
  }
}

/** tlb_remove_table_one(): no memory for a batch. The IPI is answered only by CPUs with interrupts on. */
function* tlbRemoveTableOne(k: KernelState, tlb: gather.MmuGather, row: number): Path<void> {
  yield point(k, "tlb_remove_table_one", "tlb_flush", schedObject(OBJ_TLB, 0), true);
  tlbFlushMmuTlbonly(k, tlb);
  k.stats.tablesFreedSingly++;
  if (k.options.patches.rcuSingle) {
    yield point(k, "tlb_remove_table_one", "free_table", schedObject(OBJ_TABLE, row), true);
    callRcu(k, row);
    return;
  }
  k.stats.ipis++;
  k.timeNs += k.options.cost.ipi;
  yield point(k, "tlb_remove_table_sync_one", "ipi", schedObject(OBJ_CPU, 0), true);
  yield point(k, "__tlb_remove_table", "free_table", schedObject(OBJ_TABLE, row), true);
  freeTableNow(k, row);
}

/** tlb_finish_mmu(). */
export function* tlbFinishMmu(k: KernelState, tlb: gather.MmuGather): Path<void> {
  yield* tlbFlushMmu(k, tlb);
  if (k.tables.emptied !== null) yield* putEmptyTables(k, true);
  k.spareGather = tlb;
}
