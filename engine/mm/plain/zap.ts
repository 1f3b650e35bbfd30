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
  const n2 = end - from;
  k.tables.fillPte(walk.row, from, end, 0);
  k.stats.entriesZapped += n2;
  k.timeNs += n2 * k.options.cost.zapEntry;
  if (zapInstallUffdWpIfNeeded(k, vma, walk, from, end, pte)) walk.anySkipped = true;
  return n;
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

function detachTable(k: KernelState, walk: ZapWalk): void {
  walk.detached = tryGetAndClearPmd(k, walk.pmd, walk.index);
  walk.directReclaim = walk.detached;
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

export function unmapPageRange(k: KernelState, vma: Vma, walk: ZapWalk): void {
  if ((vma.flags & VM_HUGETLB) !== 0) {
    clearHugetlbPages(k, walk.tlb, walk.page, walk.end);
    return;
  }
  while (walk.page < walk.end) {
    let tableToZapResult: boolean;
    const { tables } = k;
    const { tlb, page, end } = walk;
    const pmd = pmdTable(k, tlb.mm, page);
    const index = pmdIndex(page);
    let row = pmd === 0 ? 0 : tables.child(pmd, index);
    if (row === 0) {
      const next = pmd === 0 ? PTRS_PER_TABLE : tables.nextChild(pmd, index + 1, PTRS_PER_TABLE);
      walk.page = pmdStart(page) + (next - index) * PMD_PAGES;
      tableToZapResult = false;
    } else {
      if (row < 0) row = zapHugeEntry(k, tlb, vma, pmd, index, page, pmdAddrEnd(page, end));
      if (row === 0) {
        walk.page = pmdAddrEnd(page, end);
        tableToZapResult = false;
      } else {
        walk.pmd = pmd;
        walk.index = index;
        walk.base = pmdStart(page);
        tableToZapResult = true;
      }
    }
    if (tableToZapResult) {
      const fn = "zap_pte_range";
      const { tlb: tlb2 } = walk;
      const rest = walk.end - walk.base;
      walk.at = pteIndex(walk.page);
      walk.stop = rest < PTRS_PER_TABLE ? rest | 0 : PTRS_PER_TABLE;
      walk.covers = reclaimPtIsEnabled(k, walk.stop - walk.at, walk.details);
      walk.whole = walk.stop - walk.at === PTRS_PER_TABLE;
      walk.othersThere = false;
      walk.canReclaimPt = walk.covers;
      walk.directReclaim = true;
      walk.detached = false;
      do {
        const row2 = pteOffsetMapLock(k, fn, walk.pmd, walk.index);
        walk.row = row2;
        walk.forceFlush = false;
        walk.forceBreak = false;
        if (walk.row <= 0) break;
        if (k.countNs > 0) chargeCounts(k, 1);
        while (walk.at < walk.stop) {
          if (k.options.reschedRate > 0 && k.rng.chance(k.options.reschedRate)) {
            k.stats.zapBreaksResched++;
            walk.directReclaim = false;
            break;
          }

          let zapStepResult: boolean;
          walk.anySkipped = false;
          let dealtWith: number;
          const { tables: tables2 } = k;
          const { row: row22, at, stop } = walk;
          const from = tables2.nextPte(row22, at, stop);
          const skipped = from - at;
          if (skipped > 0) {
            k.stats.noneSkipped += skipped;
            k.timeNs += skipped * k.options.cost.skipEntry;
          }
          if (from === stop) {
            dealtWith = skipped;
          } else {
            const pte = tables2.pte(row22, from);
            const single = from + 1 === stop || k.options.reschedRate > 0;
            const end2 = single ? from + 1 : tables2.stretchEnd(row22, from, stop);
            if ((pte & KIND_MASK) <= KIND_ZERO) {
              let zapPresentPtesResult: number;
              const kind = pte & KIND_MASK;
              if (kind === KIND_ANON && !walk.details.evenCows && vma.file !== null) {
                walk.anySkipped = true;
                zapPresentPtesResult = end2 - from;
              } else {
                let n = end2 - from;
                if (kind !== KIND_ZERO) {
                  const { tlb: tlb22 } = walk;
                  const room = tlbRoom(tlb22);
                  let gathered = n;
                  if (n >= room) {
                    gathered = room;
                    walk.forceFlush = true;
                    walk.forceBreak = true;
                  }
                  tlb22.pages += gathered;
                  dropRss(tlb22.mm, vma, pte & KIND_MASK, gathered);
                  if ((pte & (KIND_MASK | PTE_DIRTY)) === (KIND_FILE | PTE_DIRTY)) walk.forceFlush = true;
                  const gatherPagesResult = gathered;
                  n = gatherPagesResult;
                }
                const end22 = from + n;
                const n2 = end22 - from;
                k.tables.fillPte(walk.row, from, end22, 0);
                k.stats.entriesZapped += n2;
                k.timeNs += n2 * k.options.cost.zapEntry;
                tlbAdjustRange(walk.tlb, walk.base + from, walk.base + from + n);
                if ((pte & PTE_UFFD_WP) !== 0 && zapInstallUffdWpIfNeeded(k, vma, walk, from, from + n, pte))
                  walk.anySkipped = true;
                zapPresentPtesResult = n;
              }
              dealtWith = skipped + zapPresentPtesResult;
            } else {
              dealtWith = skipped + zapNonpresentPtes(k, vma, walk, from, end2, pte);
            }
          }
          walk.at += dealtWith;
          if (walk.anySkipped) walk.canReclaimPt = false;
          if (!walk.forceBreak) {
            zapStepResult = true;
          } else {
            k.stats.zapBreaksForced++;
            walk.directReclaim = false;
            zapStepResult = false;
          }
          if (!zapStepResult) break;
        }
        let mayDetachResult: boolean;
        if (!walk.canReclaimPt || walk.at !== walk.stop) {
          mayDetachResult = false;
        } else {
          if (!walk.directReclaim && k.options.patches.directReclaimFix) {
            mayDetachResult = false;
          } else {
            if (walk.whole || looksEmpty(k, walk.tlb.mm, walk.row, walk.base)) {
              mayDetachResult = true;
            } else {
              walk.othersThere = true;
              walk.canReclaimPt = false;
              mayDetachResult = false;
            }
          }
        }
        if (mayDetachResult) {
          detachTable(k, walk);
        }
        if (walk.forceFlush) {
          tlbFlushMmuTlbonly(k, tlb2);
        }

        if (walk.forceFlush) tlbFlushMmu(k, tlb2);
      } while (walk.at !== walk.stop && k.options.patches.fullWithinPmd);
      if (walk.detached) {
        k.stats.reclaimedFast++;
        freePte(k, tlb2, walk.row, walk.base);
      } else if (walk.canReclaimPt && walk.row > 0 && walk.at === walk.stop)
        tryToFreePte(k, tlb2, walk.pmd, walk.index, walk.base);
      if (walk.row <= 0) walk.at = walk.stop;
      else if (walk.details.reclaimPt && !walk.canReclaimPt && walk.at === walk.stop) countDeclined(k, walk);
      walk.page = walk.base + walk.at;
    }
  }
}
