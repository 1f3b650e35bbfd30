/** Removing what a range maps (mm/memory.c: zap_pte_range and around it; mm/huge_memory.c: zap_huge_pmd is in thp.ts). */

import { looksEmpty } from "./empty-table.ts";
import { gatherPageId, oneAtATime, takeResched } from "./explored.ts";
import { type MmuGather, tlbAdjustRange, tlbRoom, type ZapWalk } from "./gather.ts";
import * as geometry from "./geometry.ts";
import { clearHugetlbPages } from "./hugetlb.ts";
import { tlbFlushMmu, tlbFlushMmuTlbonly } from "./mmu-gather.ts";
import { pmdTable } from "./pgtable.ts";
import { chargeCounts } from "./policy-cost.ts";
import { freePte, reclaimPtIsEnabled, tryGetAndClearPmd, tryToFreePte } from "./pt-reclaim.ts";
import * as pteBits from "./pte.ts";
import { pteOffsetMapLock, pteUnmapUnlock } from "./pte-map.ts";
import { OBJ_PML, OBJ_PTE_ENTRY, OBJ_TLB, type Path, point, schedObject } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { splitHugePmd, zapHugePmd } from "./thp.ts";
import type { Vma } from "./vma.ts";
import * as vmaFlags from "./vma.ts";

// Bound here, so that they are constants to the compiler (geometry.ts).
const { PMD_PAGES, PTRS_PER_TABLE, pmdAddrEnd, pmdIndex, pmdStart, pteIndex } = geometry;
const {
  KIND_ANON,
  KIND_DEVICE_EXCLUSIVE,
  KIND_DEVICE_PRIVATE,
  KIND_FILE,
  KIND_HWPOISON,
  KIND_MARKER_GUARD,
  KIND_MARKER_POISON,
  KIND_MARKER_UFFD_WP,
  KIND_MASK,
  KIND_MIGRATION,
  KIND_SWAP,
  KIND_ZERO,
  PTE_DIRTY,
  PTE_UFFD_WP,
} = pteBits;
const { VM_HUGETLB, VM_UFFD_WP, vmaIsAnonymous } = vmaFlags;

/** Takes `n` pages of this kind off the process's count. */
function dropRss(mm: Mm, vma: Vma, kind: number, n: number): void {
  if (kind === KIND_ANON) mm.rssAnon -= n;
  else if (kind === KIND_FILE) {
    if (vma.file?.shmem === true) mm.rssShmem -= n;
    else mm.rssFile -= n;
  }
}

/**
 * zap_install_uffd_wp_if_needed(): entries [from, end) were write-protected by a userfaultfd. On file memory they become
 * markers, so that the protection outlives the page. Returns whether they did (patch 6).
 */
function zapInstallUffdWpIfNeeded(
  k: KernelState,
  vma: Vma,
  walk: ZapWalk,
  from: number,
  end: number,
  pte: number,
): boolean {
  if (vmaIsAnonymous(vma) || walk.details.dropMarker) return false;
  if ((vma.flags & VM_UFFD_WP) === 0) return false;
  const kind = pte & KIND_MASK;
  if ((pte & PTE_UFFD_WP) === 0 || kind > KIND_SWAP) return false;
  k.tables.fillPte(walk.row, from, end, KIND_MARKER_UFFD_WP);
  return true;
}

/**
 * clear_full_ptes(): entries [from, end) become none.
 * @plain inline
 */
function clearPtes(k: KernelState, walk: ZapWalk, from: number, end: number): void {
  const n = end - from;
  k.tables.fillPte(walk.row, from, end, 0);
  k.stats.entriesZapped += n;
  k.timeNs += n * k.options.cost.zapEntry;
}

/**
 * Of `n` pages that are mapped by entries like `pte`, gathers as many as there is room for, and returns how many.
 * @plain inline
 */
function gatherPages(vma: Vma, walk: ZapWalk, n: number, pte: number): number {
  const { tlb } = walk;
  const room = tlbRoom(tlb);
  let gathered = n;
  if (n >= room) {
    gathered = room;
    walk.forceFlush = true;
    walk.forceBreak = true;
  }
  tlb.pages += gathered;
  dropRss(tlb.mm, vma, pte & KIND_MASK, gathered);
  if ((pte & (KIND_MASK | PTE_DIRTY)) === (KIND_FILE | PTE_DIRTY)) walk.forceFlush = true;
  gatherPageId(tlb, pte);
  return gathered;
}

/**
 * zap_present_ptes(): entries [from, end) are present and alike. Returns how many were dealt with.
 * @plain inline
 */
function zapPresentPtes(k: KernelState, vma: Vma, walk: ZapWalk, from: number, end: number, pte: number): number {
  const kind = pte & KIND_MASK;
  if (kind === KIND_ANON && !walk.details.evenCows && vma.file !== null) {
    walk.anySkipped = true;
    return end - from;
  }
  let n = end - from;
  if (kind !== KIND_ZERO) n = gatherPages(vma, walk, n, pte);
  clearPtes(k, walk, from, from + n);
  tlbAdjustRange(walk.tlb, walk.base + from, walk.base + from + n);
  if ((pte & PTE_UFFD_WP) !== 0 && zapInstallUffdWpIfNeeded(k, vma, walk, from, from + n, pte)) walk.anySkipped = true;
  return n;
}

/** zap_nonpresent_ptes() (patch 3): entries [from, end) are non-present, not none, and alike. Returns how many. */
function zapNonpresentPtes(k: KernelState, vma: Vma, walk: ZapWalk, from: number, end: number, pte: number): number {
  const n = end - from;
  const { details } = walk;
  const { mm } = walk.tlb;
  let zap = true;
  switch (pte & KIND_MASK) {
    case KIND_SWAP:
      zap = details.evenCows;
      if (zap) mm.swapEntries -= n;
      break;
    case KIND_DEVICE_PRIVATE:
    case KIND_DEVICE_EXCLUSIVE:
    case KIND_MIGRATION:
      zap = details.evenCows || !vmaIsAnonymous(vma);
      if (zap) dropRss(mm, vma, vmaIsAnonymous(vma) ? KIND_ANON : KIND_FILE, n);
      break;
    case KIND_MARKER_UFFD_WP:
      zap = vmaIsAnonymous(vma) || details.dropMarker;
      break;
    case KIND_MARKER_GUARD:
      zap = details.dropMarker;
      break;
    case KIND_HWPOISON:
    case KIND_MARKER_POISON:
      zap = details.evenCows;
      break;
  }
  if (!zap) {
    walk.anySkipped = true;
    return n;
  }
  clearPtes(k, walk, from, end);
  if (zapInstallUffdWpIfNeeded(k, vma, walk, from, end, pte)) walk.anySkipped = true;
  return n;
}

/**
 * do_zap_pte_range() (patches 4, 5 and 7): one step of the loop: a run of none entries is skipped in one go, then the next
 * entries that are alike are zapped. Returns how many entries it dealt with (none included); `walk` says what became of them.
 * @plain inline
 */
function doZapPteRange(k: KernelState, vma: Vma, walk: ZapWalk): number {
  const { tables } = k;
  const { row, at, stop } = walk;
  const from = tables.nextPte(row, at, stop);
  const skipped = from - at;
  if (skipped > 0) {
    k.stats.noneSkipped += skipped;
    k.timeNs += skipped * k.options.cost.skipEntry;
  }
  if (from === stop) return skipped;
  const pte = tables.pte(row, from);
  const single = oneAtATime() || from + 1 === stop || k.options.reschedRate > 0;
  const end = single ? from + 1 : tables.stretchEnd(row, from, stop);
  if ((pte & KIND_MASK) <= KIND_ZERO) return skipped + zapPresentPtes(k, vma, walk, from, end, pte);
  return skipped + zapNonpresentPtes(k, vma, walk, from, end, pte);
}

/**
 * need_resched().
 * @plain inline
 */
function needResched(k: KernelState): boolean {
  return takeResched(k) || (k.options.reschedRate > 0 && k.rng.chance(k.options.reschedRate));
}

/** Counts a table that this call leaves standing although the advice was DONTNEED. */
function countDeclined(k: KernelState, walk: ZapWalk): void {
  const { tlb, base: slot } = walk;
  if (!k.options.patches.reclaim) return;
  if (walk.covers && !walk.othersThere) {
    k.stats.declinedEntryKept++;
    return;
  }
  if (tlb.requestStart > slot || tlb.requestEnd < slot + PMD_PAGES) {
    k.stats.declinedBelowPmd++;
    return;
  }
  // Once a table, however many VMAs share it.
  if (tlb.declinedSlot !== slot) k.stats.declinedSplitVma++;
  tlb.declinedSlot = slot;
}

/**
 * One turn of zap_pte_range()'s loop, the lock held. False: the gather is full, the loop must be broken off.
 * @plain inline
 */
function zapStep(k: KernelState, vma: Vma, walk: ZapWalk): boolean {
  walk.anySkipped = false;
  const dealtWith = doZapPteRange(k, vma, walk);
  walk.at += dealtWith;
  if (walk.anySkipped) walk.canReclaimPt = false;
  if (!walk.forceBreak) return true;
  k.stats.zapBreaksForced++;
  walk.directReclaim = false;
  return false;
}

/**
 * The point before the next entry that is not none is cleared.
 * @plain nothing
 */
function* pteWritePoint(k: KernelState, fn: string, walk: ZapWalk): Path<void> {
  const next = k.tables.nextPte(walk.row, walk.at, walk.stop);
  if (next < walk.stop) yield point(k, fn, "pte_write", schedObject(OBJ_PTE_ENTRY, walk.row, next), true);
}

/**
 * The loop of zap_pte_range(): until the walk is through with the table, or must drop its lock.
 * @plain inline
 */
function* zapEntries(k: KernelState, vma: Vma, walk: ZapWalk): Path<void> {
  const fn = "zap_pte_range";
  while (walk.at < walk.stop) {
    yield point(k, fn, "need_resched", 0, false);
    if (needResched(k)) {
      k.stats.zapBreaksResched++;
      walk.directReclaim = false;
      return;
    }
    yield* pteWritePoint(k, fn, walk);
    if (!zapStep(k, vma, walk)) return;
  }
}

/**
 * The walk has come to a table: which of its entries are to go, and whether the table may go with them.
 * @plain inline
 */
function beginTable(k: KernelState, walk: ZapWalk): void {
  const rest = walk.end - walk.base;
  walk.at = pteIndex(walk.page);
  walk.stop = rest < PTRS_PER_TABLE ? rest | 0 : PTRS_PER_TABLE;
  walk.covers = reclaimPtIsEnabled(k, walk.stop - walk.at, walk.details);
  walk.whole = walk.stop - walk.at === PTRS_PER_TABLE;
  walk.othersThere = false;
  walk.canReclaimPt = walk.covers;
  walk.directReclaim = true;
  walk.detached = false;
}

/**
 * The table was looked up, and locked where there is one: its entries follow.
 * @plain inline
 */
function beginEntries(walk: ZapWalk, row: number): void {
  walk.row = row;
  walk.forceFlush = false;
  walk.forceBreak = false;
}

/**
 * May the fast path take the table? The lock was never dropped, so the share is known to be empty; what lies beside it is looked at.
 * @plain inline
 */
function mayDetach(k: KernelState, walk: ZapWalk): boolean {
  if (!walk.canReclaimPt || walk.at !== walk.stop) return false;
  if (!walk.directReclaim && k.options.patches.directReclaimFix) return false;
  if (walk.whole || looksEmpty(k, walk.tlb.mm, walk.row, walk.base)) return true;
  walk.othersThere = true;
  walk.canReclaimPt = false;
  return false;
}

/** The fast path, the table's lock held. */
function detachTable(k: KernelState, walk: ZapWalk): void {
  walk.detached = tryGetAndClearPmd(k, walk.pmd, walk.index);
  walk.directReclaim = walk.detached;
}

/**
 * The lock was dropped early: does the walk come back to this table (patch 8)?
 * @plain inline
 */
function comesBack(k: KernelState, walk: ZapWalk): boolean {
  return walk.at !== walk.stop && k.options.patches.fullWithinPmd;
}

/**
 * May the slow path take the table?
 * @plain inline
 */
function maySlowly(walk: ZapWalk): boolean {
  return walk.canReclaimPt && walk.row > 0 && walk.at === walk.stop;
}

/**
 * The walk leaves the table and will go on from where it ended.
 * @plain inline
 */
function endTable(k: KernelState, walk: ZapWalk): void {
  if (walk.row <= 0) walk.at = walk.stop;
  else if (walk.details.reclaimPt && !walk.canReclaimPt && walk.at === walk.stop) countDeclined(k, walk);
  walk.page = walk.base + walk.at;
}

/**
 * zap_pte_range(): zaps what `walk` has left of the PTE table that tableToZap() found. Needs the mmap or VMA lock. Retries
 * inside after a break (patch 8); without patch 8 it ends there. The walk goes on from where it ended. The PTE table is freed
 * where the call covers the whole PMD, asks for it, and leaves no entry (patch 9 and its fix).
 * @plain inline
 */
function* zapPteRange(k: KernelState, vma: Vma, walk: ZapWalk): Path<void> {
  const fn = "zap_pte_range";
  const { tlb } = walk;
  beginTable(k, walk);
  do {
    beginEntries(walk, yield* pteOffsetMapLock(k, fn, walk.pmd, walk.index));
    if (walk.row <= 0) break;
    if (k.countNs > 0) chargeCounts(k, 1);
    yield* zapEntries(k, vma, walk);
    if (mayDetach(k, walk)) {
      yield point(k, "try_get_and_clear_pmd", "trylock", schedObject(OBJ_PML, walk.pmd), true);
      detachTable(k, walk);
    }
    if (walk.forceFlush) {
      yield point(k, fn, "tlb_flush", schedObject(OBJ_TLB, 0), true);
      tlbFlushMmuTlbonly(k, tlb);
    }
    yield* pteUnmapUnlock(k, fn, walk.row);
    if (walk.forceFlush) yield* tlbFlushMmu(k, tlb);
  } while (comesBack(k, walk));
  if (walk.detached) {
    k.stats.reclaimedFast++;
    yield* freePte(k, tlb, walk.row, walk.base);
  } else if (maySlowly(walk)) yield* tryToFreePte(k, tlb, walk.pmd, walk.index, walk.base);
  endTable(k, walk);
}

/**
 * The huge part of zap_pmd_range(): [page, end) lies within the huge PMD entry `index` of the table `pmd`. Returns 0 where it is
 * gone now, or the PTE table that it was split into and that is left to zapPteRange().
 */
function* zapHugeEntry(
  k: KernelState,
  tlb: MmuGather,
  vma: Vma,
  pmd: number,
  index: number,
  page: number,
  end: number,
): Path<number> {
  if (end - page === PMD_PAGES) {
    zapHugePmd(k, tlb, vma, pmd, index, page);
    if (tlbRoom(tlb) === 0) yield* tlbFlushMmu(k, tlb);
    return 0;
  }
  splitHugePmd(k, tlb.mm, vma, pmd, index);
  return k.tables.child(pmd, index);
}

/**
 * Looks where `walk` has come to: true, at a PTE table that is to be zapped; else it has gone on, past what is missing there, or a
 * huge page that was zapped whole (zap_p4d_range() to zap_pmd_range()).
 * @plain inline
 */
function* tableToZap(k: KernelState, vma: Vma, walk: ZapWalk): Path<boolean> {
  const { tables } = k;
  const { tlb, page, end } = walk;
  const pmd = pmdTable(k, tlb.mm, page);
  const index = pmdIndex(page);
  let row = pmd === 0 ? 0 : tables.child(pmd, index);
  if (row === 0) {
    const next = pmd === 0 ? PTRS_PER_TABLE : tables.nextChild(pmd, index + 1, PTRS_PER_TABLE);
    walk.page = pmdStart(page) + (next - index) * PMD_PAGES;
    return false;
  }
  if (row < 0) row = yield* zapHugeEntry(k, tlb, vma, pmd, index, page, pmdAddrEnd(page, end));
  if (row === 0) {
    walk.page = pmdAddrEnd(page, end);
    return false;
  }
  walk.pmd = pmd;
  walk.index = index;
  walk.base = pmdStart(page);
  return true;
}

/** unmap_page_range(): zaps what `walk` has left of its range, which lies in one VMA, table by table. */
export function* unmapPageRange(k: KernelState, vma: Vma, walk: ZapWalk): Path<void> {
  if ((vma.flags & VM_HUGETLB) !== 0) {
    clearHugetlbPages(k, walk.tlb, walk.page, walk.end);
    return;
  }
  while (walk.page < walk.end) {
    if (yield* tableToZap(k, vma, walk)) yield* zapPteRange(k, vma, walk);
  }
}
