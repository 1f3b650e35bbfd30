// Made from ../zap.ts by `npm run plain-paths`, which says how: change that file, not this one.

import { looksEmpty } from "../empty-table.ts";

import { type MmuGather, tlbAdjustRange, tlbRoom, type ZapWalk } from "../gather.ts";
import * as geometry from "../geometry.ts";
import { clearHugetlbPages } from "../hugetlb.ts";
import { pmdTable } from "../pgtable.ts";
import { chargeCounts } from "../policy-cost.ts";
import * as pteBits from "../pte.ts";
import type { KernelState, Mm } from "../state.ts";
import { splitHugePmd, zapHugePmd } from "../thp.ts";
import type { Vma } from "../vma.ts";
import * as vmaFlags from "../vma.ts";
import { tlbFlushMmu, tlbFlushMmuTlbonly } from "./mmu-gather.ts";
import { freePte, reclaimPtIsEnabled, tryGetAndClearPmd, tryToFreePte } from "./pt-reclaim.ts";
import { pteOffsetMapLock } from "./pte-map.ts";

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
function dropRss(mm: Mm, vma: Vma, kind: number, n: number): void {
  if (kind === KIND_ANON) mm.rssAnon -= n;
  else if (kind === KIND_FILE) {
    if (vma.file?.shmem === true) mm.rssShmem -= n;
    else mm.rssFile -= n;
  }
}
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
function clearPtes(k: KernelState, walk: ZapWalk, from: number, end: number): void {
  const n = end - from;
  k.tables.fillPte(walk.row, from, end, 0);
  k.stats.entriesZapped += n;
  k.timeNs += n * k.options.cost.zapEntry;
}
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

  return gathered;
}
function zapPresentPtes(k: KernelState, vma: Vma, walk: ZapWalk, from: number, end: number, pte: number): number {
  const kind = pte & KIND_MASK;
  if (kind === KIND_ANON && !walk.details.evenCows && vma.file !== null) {
    walk.anySkipped = true;
    return end - from;
  }
  const n = kind === KIND_ZERO ? end - from : gatherPages(vma, walk, end - from, pte);
  clearPtes(k, walk, from, from + n);
  tlbAdjustRange(walk.tlb, walk.base + from, walk.base + from + n);
  if ((pte & PTE_UFFD_WP) !== 0 && zapInstallUffdWpIfNeeded(k, vma, walk, from, from + n, pte)) walk.anySkipped = true;
  return n;
}
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
function doZapPteRange(k: KernelState, vma: Vma, walk: ZapWalk): number {
  const { tables } = k;
  const { row, at, stop } = walk;
  const from = tables.nextPte(row, at, stop);
  const skipped = from - at;
  if (skipped > 0) {
    k.stats.noneSkipped += skipped;
    k.timeNs += skipped * k.options.cost.skipEntry;
    if (from === stop) return skipped;
  }
  const pte = tables.pte(row, from);
  const single = k.options.reschedRate > 0;
  const end = single ? from + 1 : tables.stretchEnd(row, from, stop);
  const present = (pte & KIND_MASK) <= KIND_ZERO;
  return (
    skipped + (present ? zapPresentPtes(k, vma, walk, from, end, pte) : zapNonpresentPtes(k, vma, walk, from, end, pte))
  );
}
function needResched(k: KernelState): boolean {
  return k.options.reschedRate > 0 && k.rng.chance(k.options.reschedRate);
}
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
  if (tlb.declinedSlot !== slot) k.stats.declinedSplitVma++;
  tlb.declinedSlot = slot;
}
function zapStep(k: KernelState, vma: Vma, walk: ZapWalk): boolean {
  walk.anySkipped = false;
  walk.at += doZapPteRange(k, vma, walk);
  if (walk.anySkipped) walk.canReclaimPt = false;
  if (!walk.forceBreak) return true;
  k.stats.zapBreaksForced++;
  walk.directReclaim = false;
  return false;
}

function zapEntries(k: KernelState, vma: Vma, walk: ZapWalk): void {
  while (walk.at < walk.stop) {
    if (needResched(k)) {
      k.stats.zapBreaksResched++;
      walk.directReclaim = false;
      return;
    }

    if (!zapStep(k, vma, walk)) return;
  }
}
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
function beginEntries(walk: ZapWalk, row: number): void {
  walk.row = row;
  walk.forceFlush = false;
  walk.forceBreak = false;
}
function mayDetach(k: KernelState, walk: ZapWalk): boolean {
  if (!walk.canReclaimPt || walk.at !== walk.stop) return false;
  if (!walk.directReclaim && k.options.patches.directReclaimFix) return false;
  if (walk.whole || looksEmpty(k, walk.tlb.mm, walk.row, walk.base)) return true;
  walk.othersThere = true;
  walk.canReclaimPt = false;
  return false;
}
function detachTable(k: KernelState, walk: ZapWalk): void {
  walk.detached = tryGetAndClearPmd(k, walk.pmd, walk.index);
  walk.directReclaim = walk.detached;
}
function comesBack(k: KernelState, walk: ZapWalk): boolean {
  return walk.at !== walk.stop && k.options.patches.fullWithinPmd;
}
function maySlowly(walk: ZapWalk): boolean {
  return walk.canReclaimPt && walk.row > 0 && walk.at === walk.stop;
}
function endTable(k: KernelState, walk: ZapWalk): void {
  if (walk.row <= 0) walk.at = walk.stop;
  else if (walk.details.reclaimPt && !walk.canReclaimPt && walk.at === walk.stop) countDeclined(k, walk);
  walk.page = walk.base + walk.at;
}
function zapPteRange(k: KernelState, vma: Vma, walk: ZapWalk): void {
  const fn = "zap_pte_range";
  const { tlb } = walk;
  beginTable(k, walk);
  do {
    beginEntries(walk, pteOffsetMapLock(k, fn, walk.pmd, walk.index));
    if (walk.row <= 0) break;
    if (k.countNs > 0) chargeCounts(k, 1);
    zapEntries(k, vma, walk);
    if (mayDetach(k, walk)) {
      detachTable(k, walk);
    }
    if (walk.forceFlush) {
      tlbFlushMmuTlbonly(k, tlb);
    }

    if (walk.forceFlush) tlbFlushMmu(k, tlb);
  } while (comesBack(k, walk));
  if (walk.detached) {
    k.stats.reclaimedFast++;
    freePte(k, tlb, walk.row, walk.base);
  } else if (maySlowly(walk)) tryToFreePte(k, tlb, walk.pmd, walk.index, walk.base);
  endTable(k, walk);
}
function zapHugeEntry(
  k: KernelState,
  tlb: MmuGather,
  vma: Vma,
  pmd: number,
  index: number,
  page: number,
  end: number,
): number {
  if (end - page === PMD_PAGES) {
    zapHugePmd(k, tlb, vma, pmd, index, page);
    if (tlbRoom(tlb) === 0) tlbFlushMmu(k, tlb);
    return 0;
  }
  splitHugePmd(k, tlb.mm, vma, pmd, index);
  return k.tables.child(pmd, index);
}
function nextTableToZap(k: KernelState, vma: Vma, walk: ZapWalk): boolean {
  const { tlb, end } = walk;
  const { tables } = k;
  let { page } = walk;
  while (page < end) {
    const pmd = pmdTable(k, tlb.mm, page);
    const at = pmdIndex(page);
    const index = pmd === 0 ? PTRS_PER_TABLE : tables.nextChild(pmd, at, PTRS_PER_TABLE);
    if (index !== at) page = pmdStart(page) + (index - at) * PMD_PAGES;
    if (index === PTRS_PER_TABLE) continue;
    if (page >= end) break;
    walk.row = tables.child(pmd, index);
    if (walk.row < 0) {
      const stop = pmdAddrEnd(page, end);
      walk.row = zapHugeEntry(k, tlb, vma, pmd, index, page, stop);
      if (walk.row === 0) {
        page = stop;
        continue;
      }
    }
    walk.page = page;
    walk.pmd = pmd;
    walk.index = index;
    walk.base = pmdStart(page);
    return true;
  }
  walk.page = end;
  return false;
}
export function unmapPageRange(k: KernelState, vma: Vma, walk: ZapWalk): void {
  if ((vma.flags & VM_HUGETLB) !== 0) {
    clearHugetlbPages(k, walk.tlb, walk.page, walk.end);
    return;
  }
  while (nextTableToZap(k, vma, walk)) zapPteRange(k, vma, walk);
}
