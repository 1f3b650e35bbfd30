/**
 * The state of an unmapping in progress: struct mmu_gather (include/asm-generic/tlb.h), the pages and tables that wait for
 * the TLB flush, and the position of the zap. Its functions are in mmu-gather.ts and zap.ts.
 */

import * as geometry from "./geometry.ts";
import type { Mm } from "./mm-struct.ts";
import { ZAP_PLAIN, type ZapDetails } from "./zap-details.ts";

// Bound here, so that it is a constant to the compiler (geometry.ts).
const { PAGE_SIZE } = geometry;

const WORD = 8;
const MMU_GATHER_BUNDLE = 8;
const MAX_GATHER_BATCH = (PAGE_SIZE - 2 * WORD) / WORD;
const MAX_GATHER_BATCH_COUNT = Math.floor(10000 / MAX_GATHER_BATCH);
export const MAX_TABLE_BATCH = Math.floor((PAGE_SIZE - 3 * WORD) / WORD);

/** Pages that fit before the gather must be flushed: each batch is left with one slot free. */
const GATHER_CAPACITY = MMU_GATHER_BUNDLE - 1 + MAX_GATHER_BATCH_COUNT * (MAX_GATHER_BATCH - 1);

/**
 * A zap of the PTE tables of a range within one VMA: the rest of the range, the current table,
 * and the position in it. Page numbers are kept here, out of the arguments of zap.ts: they are not small integers, and
 * passing them on would allocate.
 */
export class ZapWalk {
  declare readonly tlb: MmuGather;
  declare details: ZapDetails;
  /** What is left of the range: [page, end). */
  page = 0;
  end = 0;
  /** The table at hand: entry `index` of the PMD table `pmd`; `base` is the first page that it covers. */
  pmd = 0;
  index = 0;
  base = 0;
  /** Its row, once it is locked, and its entries that are still to be zapped: [at, stop). */
  row = 0;
  at = 0;
  stop = 0;
  /** The call covers the whole table and asks for it to be freed; nothing has spoken against it; its lock was never dropped. */
  covers = false;
  canReclaimPt = false;
  directReclaim = false;
  /** The share is the whole table; else what lies beside it decides, too, and is there. */
  whole = false;
  othersThere = false;
  /** The fast path took it out of its PMD entry. */
  detached = false;
  /** Outcome of one step: an entry was left, the gather must be flushed, the loop must be broken off. */
  anySkipped = false;
  forceFlush = false;
  forceBreak = false;

  constructor(tlb: MmuGather) {
    this.tlb = tlb;
    this.details = ZAP_PLAIN;
  }
}

export class MmuGather {
  declare mm: Mm;
  /** Range to flush, in pages; empty while start >= end. */
  start = Number.POSITIVE_INFINITY;
  end = 0;
  freedTables = false;
  /** Pages gathered since the last flush, and their identities where they have one (explored.ts). */
  pages = 0;
  readonly pageIds: number[] = [];
  /** The batch of tables: a chain of rows through tables.parent. */
  tableHead = 0;
  tableCount = 0;
  /** What madvise() asked for, in pages: tells a range that is too short from one that a VMA boundary cut. */
  declare requestStart: number;
  declare requestEnd: number;
  /** The slot whose table was last counted as shared by VMAs. */
  declinedSlot = -1;
  declare readonly zap: ZapWalk;

  constructor(mm: Mm, start: number, end: number) {
    this.mm = mm;
    this.requestStart = start;
    this.requestEnd = end;
    this.zap = new ZapWalk(this);
  }
}

/** Extends the range that the next flush covers. */
export function tlbAdjustRange(tlb: MmuGather, start: number, end: number): void {
  if (start < tlb.start) tlb.start = start;
  if (end > tlb.end) tlb.end = end;
}

/** How many more pages fit in the gather before it must be flushed. */
export function tlbRoom(tlb: MmuGather): number {
  return GATHER_CAPACITY - tlb.pages;
}

/** The gather's zap, set to walk [start, end) of one VMA. */
export function zapOf(tlb: MmuGather, start: number, end: number, details: ZapDetails): ZapWalk {
  const { zap } = tlb;
  zap.page = start;
  zap.end = end;
  if (zap.details !== details) zap.details = details;
  return zap;
}
