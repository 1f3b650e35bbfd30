// Made from ../mmu-gather.ts by `npm run plain-paths`, which says how: change that file, not this one.

import * as gather from "../gather.ts";
import { callRcu, freeTableNow } from "../rcu.ts";
import type { KernelState, Mm } from "../state.ts";
import * as tableStates from "../tables.ts";
import { putEmptyTables } from "./pte-ref.ts";

const { MAX_TABLE_BATCH, MmuGather, tlbAdjustRange } = gather;
const { TABLE_GATHERED } = tableStates;
const TLB_FLUSH_CEILING = 33;
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

  tlb.start = Number.POSITIVE_INFINITY;
  tlb.end = 0;
  tlb.freedTables = false;
}
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
function tlbFlushMmuFree(k: KernelState, tlb: gather.MmuGather): void {
  if (tlb.tableCount > 0) tlbTableFlush(k, tlb);

  tlb.pages = 0;
}
export function tlbFlushMmu(k: KernelState, tlb: gather.MmuGather): void {
  if (tlb.start < tlb.end) {
    tlbFlushMmuTlbonly(k, tlb);
  }
  if (tlb.tableCount > 0 || tlb.pages > 0) {
    tlbFlushMmuFree(k, tlb);
  }
}
export function tlbRemoveTable(k: KernelState, tlb: gather.MmuGather, row: number, page: number): void {
  k.timeNs += k.options.cost.tableFree;
  tlbAdjustRange(tlb, page, page + 1);
  tlb.freedTables = true;
  k.tables.setState(row, TABLE_GATHERED);
  if (tlb.tableCount === 0 && k.rng.chance(k.options.batchFailRate)) {
    tlbRemoveTableOne(k, tlb, row);
    return;
  }
  k.tables.parent[row] = tlb.tableHead;
  tlb.tableHead = row;
  tlb.tableCount++;
  if (tlb.tableCount === MAX_TABLE_BATCH) {
    tlbFlushMmuTlbonly(k, tlb);

    tlbTableFlush(k, tlb);
  }
}
function tlbRemoveTableOne(k: KernelState, tlb: gather.MmuGather, row: number): void {
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
export function tlbFinishMmu(k: KernelState, tlb: gather.MmuGather): void {
  tlbFlushMmu(k, tlb);
  if (k.tables.emptied !== null) putEmptyTables(k, true);
  k.spareGather = tlb;
}
