/**
 * mmu_gather (mm/mmu_gather.c): pages and tables that were unmapped are collected and freed after a TLB flush.
 *
 * Pages: 8 slots on the stack, then at most 19 batch pages of 510 slots; a batch is left for the next while one slot is free
 * (a folio and its length may need two). Tables: batches of 509, freed by RCU; where no page can be had for a batch, the
 * table is freed alone, by RCU with patch 10 and else by an IPI to every CPU.
 */

import { callRcu, freeTableNow } from "./rcu.ts";
import { OBJ_CPU, OBJ_TABLE, OBJ_TLB, type Path, point, schedObject } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import * as tableStates from "./tables.ts";
import { tlbInvalidate } from "./tlb.ts";

// Bound here, so that they are constants to the compiler (geometry.ts).
const { TABLE_GATHERED } = tableStates;

export const MMU_GATHER_BUNDLE = 8;
export const MAX_GATHER_BATCH = (4096 - 16) / 8;
export const MAX_GATHER_BATCH_COUNT = Math.floor(10000 / MAX_GATHER_BATCH);
export const MAX_TABLE_BATCH = Math.floor((4096 - 24) / 8);
/** arch/x86/mm/tlb.c: tlb_single_page_flush_ceiling. */
export const TLB_FLUSH_CEILING = 33;

/** Pages that fit before the gather must be flushed: each batch is left with one slot free. */
const GATHER_CAPACITY = MMU_GATHER_BUNDLE - 1 + MAX_GATHER_BATCH_COUNT * (MAX_GATHER_BATCH - 1);

export class MmuGather {
  declare mm: Mm;
  /** Range to flush, in pages; empty while start >= end. */
  start = Number.POSITIVE_INFINITY;
  end = 0;
  freedTables = false;
  /** Pages gathered since the last flush. */
  pages = 0;
  /** Identities of the pages gathered (explored kernels only). */
  pageIds: number[] = [];
  /** The batch of tables: a chain of rows through tables.parent. */
  tableHead = 0;
  tableCount = 0;
  /** What madvise() asked for, in pages: tells a range that is too short from one that a VMA boundary cut. */
  declare requestStart: number;
  declare requestEnd: number;
  /** The slot whose table was last counted as shared by VMAs. */
  declinedSlot = -1;

  constructor(mm: Mm, start: number, end: number) {
    this.mm = mm;
    this.requestStart = start;
    this.requestEnd = end;
  }
}

/** The gather that paths of experiments take turns with: they run to their end and do not nest. Null while it is lent. */
let spare: MmuGather | null = null;

/** tlb_gather_mmu(), for madvise() of [start, end). Give it back with tlbFinishMmu() or tlbFinishMmuPath(). */
export function tlbGatherMmu(k: KernelState, mm: Mm, start = 0, end = 0): MmuGather {
  if (k.explored || spare === null) return new MmuGather(mm, start, end);
  const tlb = spare;
  spare = null;
  if (tlb.mm !== mm) tlb.mm = mm;
  tlb.requestStart = start;
  tlb.requestEnd = end;
  tlb.declinedSlot = -1;
  return tlb;
}

/** Extends the range that the next flush covers. */
export function tlbAdjustRange(tlb: MmuGather, start: number, end: number): void {
  if (start < tlb.start) tlb.start = start;
  if (end > tlb.end) tlb.end = end;
}

/** How many more pages the gather takes before it must be flushed. */
export function tlbRoom(tlb: MmuGather): number {
  return GATHER_CAPACITY - tlb.pages;
}

/** tlb_flush_mmu_tlbonly(): flushes the gathered range, if there is one. */
export function tlbFlushMmuTlbonly(k: KernelState, tlb: MmuGather): void {
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
  if (k.explored) tlbInvalidate(k, tlb.mm, tlb.start, tlb.end);
  tlb.start = Number.POSITIVE_INFINITY;
  tlb.end = 0;
  tlb.freedTables = false;
}

/** tlb_table_flush(): the batch of tables, which is not empty, goes to RCU. */
function tlbTableFlush(k: KernelState, tlb: MmuGather): void {
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

/** tlb_batch_pages_flush(): the contents of the gathered pages are gone. Explored kernels only. */
function freePages(k: KernelState, tlb: MmuGather): void {
  for (const id of tlb.pageIds) k.pages.delete(id);
  tlb.pageIds.length = 0;
}

/** tlb_flush_mmu_free(): frees what was gathered, after the flush. */
function tlbFlushMmuFree(k: KernelState, tlb: MmuGather): void {
  if (tlb.tableCount > 0) tlbTableFlush(k, tlb);
  if (k.explored) freePages(k, tlb);
  tlb.pages = 0;
}

/** tlb_flush_mmu(): flush, then free what was gathered. */
export function tlbFlushMmu(k: KernelState, tlb: MmuGather): void {
  tlbFlushMmuTlbonly(k, tlb);
  tlbFlushMmuFree(k, tlb);
}

/** tlb_flush_mmu() with its scheduling points, where there is anything to do; for explored kernels. */
export function* tlbFlushMmuPath(k: KernelState, tlb: MmuGather): Path<void> {
  if (tlb.start < tlb.end) {
    yield point(k, "tlb_flush_mmu_tlbonly", "tlb_flush", schedObject(OBJ_TLB, 0), true);
    tlbFlushMmuTlbonly(k, tlb);
  }
  if (tlb.tableCount > 0 || tlb.pageIds.length > 0) {
    yield point(k, "tlb_flush_mmu_free", "free_table", schedObject(OBJ_TABLE, tlb.tableHead), true);
    tlbFlushMmuFree(k, tlb);
  }
  tlb.pages = 0;
}

/**
 * tlb_remove_table(): a table that was detached and covers pages from `page` on. The caller has dropped it from the
 * process's count.
 */
export function tlbRemoveTable(k: KernelState, tlb: MmuGather, row: number, page: number): void {
  k.timeNs += k.options.cost.tableFree;
  tlbAdjustRange(tlb, page, page + 1);
  tlb.freedTables = true;
  k.tables.setState(row, TABLE_GATHERED);
  const rate = k.options.batchFailRate;
  if (tlb.tableCount === 0 && (k.explored ? rate > 0 : k.rng.chance(rate))) {
    tlbRemoveTableOne(k, tlb, row);
    return;
  }
  k.tables.parent[row] = tlb.tableHead;
  tlb.tableHead = row;
  tlb.tableCount++;
  if (tlb.tableCount === MAX_TABLE_BATCH) tlbTableFlush(k, tlb);
}

/** tlb_remove_table_one(): no memory for a batch. */
function tlbRemoveTableOne(k: KernelState, tlb: MmuGather, row: number): void {
  tlbFlushMmuTlbonly(k, tlb);
  k.stats.tablesFreedSingly++;
  if (k.options.patches.rcuSingle) {
    callRcu(k, row);
    return;
  }
  k.stats.ipis++;
  k.timeNs += k.options.cost.ipi;
  freeTableNow(k, row);
}

/**
 * tlb_remove_table() in an explored kernel: the failing allocation is what the options say (a rate of 0 never fails, any
 * other always does), and the IPI is answered only by CPUs with interrupts on.
 */
export function* tlbRemoveTablePath(k: KernelState, tlb: MmuGather, row: number, page: number): Path<void> {
  tlbAdjustRange(tlb, page, page + 1);
  tlb.freedTables = true;
  k.tables.setState(row, TABLE_GATHERED);
  if (k.options.batchFailRate === 0) {
    k.tables.parent[row] = tlb.tableHead;
    tlb.tableHead = row;
    tlb.tableCount++;
    return;
  }
  yield point(k, "tlb_remove_table_one", "tlb_flush", schedObject(OBJ_TLB, 0), true);
  tlbFlushMmuTlbonly(k, tlb);
  k.stats.tablesFreedSingly++;
  if (k.options.patches.rcuSingle) {
    yield point(k, "tlb_remove_table_one", "free_table", schedObject(OBJ_TABLE, row), true);
    callRcu(k, row);
    return;
  }
  k.stats.ipis++;
  yield point(k, "tlb_remove_table_sync_one", "ipi", schedObject(OBJ_CPU, 0), true);
  yield point(k, "__tlb_remove_table", "free_table", schedObject(OBJ_TABLE, row), true);
  freeTableNow(k, row);
}

/** tlb_finish_mmu(), at once. */
export function tlbFinishMmu(k: KernelState, tlb: MmuGather): void {
  tlbFlushMmu(k, tlb);
  if (!k.explored) spare = tlb;
}

/** tlb_finish_mmu() of a path that other CPUs may come between. */
export function* tlbFinishMmuPath(k: KernelState, tlb: MmuGather): Path<void> {
  if (k.explored) yield* tlbFlushMmuPath(k, tlb);
  else tlbFinishMmu(k, tlb);
}
