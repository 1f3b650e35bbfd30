/** Removing what a range maps (mm/memory.c: zap_pte_range and around it; mm/huge_memory.c: zap_huge_pmd is in thp.ts). */

import { PMD_PAGES, PTRS_PER_TABLE, PUD_PAGES, pmdIndex, slotEnd, slotStart } from "./geometry.ts";
import { clearHugetlbPages } from "./hugetlb.ts";
import {
  type MmuGather,
  tlbAdjustRange,
  tlbFlushMmu,
  tlbFlushMmuPath,
  tlbFlushMmuTlbonly,
  tlbRoom,
} from "./mmu-gather.ts";
import { pmdTable } from "./pgtable.ts";
import { freePte, freePtePath, reclaimPtIsEnabled, tryGetAndClearPmd, tryToFreePte } from "./pt-reclaim.ts";
import {
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
  ptePageId,
} from "./pte.ts";
import { pteOffsetMapLock, pteUnmapUnlock } from "./pte-map.ts";
import { OBJ_PML, OBJ_PTE_ENTRY, OBJ_TLB, type Path, point, schedObject } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { splitHugePmd, zapHugePmd } from "./thp.ts";
import { VM_HUGETLB, VM_UFFD_WP, type Vma, vmaIsAnonymous } from "./vma.ts";
import type { ZapDetails } from "./zap-details.ts";

/** What do_zap_pte_range() tells its caller besides how far it got. */
interface ZapStep {
  anySkipped: boolean;
  forceFlush: boolean;
  forceBreak: boolean;
}

/** Takes `n` pages of this kind off the process's count. */
export function dropRss(mm: Mm, vma: Vma, kind: number, n: number): void {
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
  row: number,
  vma: Vma,
  from: number,
  end: number,
  pte: number,
  details: ZapDetails,
): boolean {
  if (vmaIsAnonymous(vma) || details.dropMarker) return false;
  if ((vma.flags & VM_UFFD_WP) === 0) return false;
  const kind = pte & KIND_MASK;
  if ((pte & PTE_UFFD_WP) === 0 || kind > KIND_SWAP) return false;
  k.tables.fillPte(row, from, end, KIND_MARKER_UFFD_WP);
  return true;
}

/** zap_present_ptes(): entries [from, end) are present and alike. Returns how many were dealt with. */
function zapPresentPtes(
  k: KernelState,
  tlb: MmuGather,
  vma: Vma,
  row: number,
  base: number,
  from: number,
  end: number,
  pte: number,
  details: ZapDetails,
  step: ZapStep,
): number {
  const kind = pte & KIND_MASK;
  let n = end - from;
  if (kind === KIND_ANON && !details.evenCows && vma.file !== null) {
    step.anySkipped = true;
    return n;
  }
  if (kind !== KIND_ZERO) {
    const room = tlbRoom(tlb);
    if (n >= room) {
      n = room;
      step.forceFlush = true;
      step.forceBreak = true;
    }
    tlb.pages += n;
    dropRss(tlb.mm, vma, kind, n);
    if (kind === KIND_FILE && (pte & PTE_DIRTY) !== 0) step.forceFlush = true;
    if (k.explored) tlb.pageIds.push(ptePageId(pte));
  }
  k.tables.fillPte(row, from, from + n, 0);
  tlbAdjustRange(tlb, base + from, base + from + n);
  k.stats.entriesZapped += n;
  k.timeNs += n * k.options.cost.zapEntry;
  if ((pte & PTE_UFFD_WP) !== 0 && zapInstallUffdWpIfNeeded(k, row, vma, from, from + n, pte, details))
    step.anySkipped = true;
  return n;
}

/** zap_nonpresent_ptes() (patch 3): entries [from, end) are non-present, not none, and alike. Returns how many. */
function zapNonpresentPtes(
  k: KernelState,
  tlb: MmuGather,
  vma: Vma,
  row: number,
  from: number,
  end: number,
  pte: number,
  details: ZapDetails,
  step: ZapStep,
): number {
  const n = end - from;
  const mm = tlb.mm;
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
    step.anySkipped = true;
    return n;
  }
  k.tables.fillPte(row, from, end, 0);
  k.stats.entriesZapped += n;
  k.timeNs += n * k.options.cost.zapEntry;
  if (zapInstallUffdWpIfNeeded(k, row, vma, from, end, pte, details)) step.anySkipped = true;
  return n;
}

const sharedStep: ZapStep = {
  anySkipped: false,
  forceFlush: false,
  forceBreak: false,
};

/**
 * do_zap_pte_range() (patches 4, 5 and 7): one step of the loop at index `at`: a run of none entries is skipped in one go,
 * then the next entries that are alike are zapped. Returns how many entries it dealt with (none included); `step` says what
 * became of them.
 */
function doZapPteRange(
  k: KernelState,
  tlb: MmuGather,
  vma: Vma,
  row: number,
  base: number,
  at: number,
  end: number,
  details: ZapDetails,
  step: ZapStep,
): number {
  const tables = k.tables;
  const from = tables.nextPte(row, at, end);
  const skipped = from - at;
  if (skipped > 0) {
    k.stats.noneSkipped += skipped;
    k.timeNs += skipped * k.options.cost.skipEntry;
    if (from === end) return skipped;
  }
  const pte = tables.pte(row, from);
  const single = k.explored || k.options.reschedRate > 0;
  const stop = single ? from + 1 : tables.stretchEnd(row, from, end);
  const kind = pte & KIND_MASK;
  const n =
    kind <= KIND_ZERO
      ? zapPresentPtes(k, tlb, vma, row, base, from, stop, pte, details, step)
      : zapNonpresentPtes(k, tlb, vma, row, from, stop, pte, details, step);
  return skipped + n;
}

function needResched(k: KernelState): boolean {
  return k.rng.chance(k.options.reschedRate);
}

/** Counts a table that this call leaves standing although the advice was DONTNEED. */
function countDeclined(k: KernelState, tlb: MmuGather, slot: number, covered: boolean): void {
  if (!k.options.patches.reclaim) return;
  if (covered) {
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
 * zap_pte_range(): zaps entries [from, stop) of the PTE table that nextTableToZap() found (k.zapPmd, k.zapIndex, k.zapBase). Needs
 * the mmap or VMA lock. Retries inside after a break (patch 8) and returns `stop`; without patch 8 it returns where it stopped. The
 * PTE table is freed where the call covers the whole PMD, asks for it, and leaves no entry (patch 9 and its fix).
 */
export function* zapPteRange(
  k: KernelState,
  tlb: MmuGather,
  vma: Vma,
  from: number,
  stop: number,
  details: ZapDetails,
): Path<number> {
  const fn = "zap_pte_range";
  const { tables, zapPmd: pmd, zapIndex: index, zapBase: base } = k;
  let at = from;
  const step = k.explored ? { anySkipped: false, forceFlush: false, forceBreak: false } : sharedStep;
  const covers = reclaimPtIsEnabled(k, stop - from, details);
  let canReclaimPt = covers;
  let directReclaim = true;
  for (;;) {
    let row: number;
    if (k.explored) row = yield* pteOffsetMapLock(k, fn, pmd, index);
    else row = tables.child(pmd, index);
    if (row <= 0) return stop;
    step.forceFlush = false;
    step.forceBreak = false;
    while (at < stop) {
      if (k.explored) {
        const p = point(k, fn, "need_resched", 0, false);
        yield p;
        if (k.reschedPending[k.cpu]) {
          k.reschedPending[k.cpu] = false;
          directReclaim = false;
          break;
        }
        if (tables.nextPte(row, at, stop) < stop)
          yield point(k, fn, "pte_write", schedObject(OBJ_PTE_ENTRY, row, tables.nextPte(row, at, stop)), true);
      } else if (k.options.reschedRate > 0 && needResched(k)) {
        k.stats.zapBreaksResched++;
        directReclaim = false;
        break;
      }
      step.anySkipped = false;
      at += doZapPteRange(k, tlb, vma, row, base, at, stop, details, step);
      if (step.anySkipped) canReclaimPt = false;
      if (step.forceBreak) {
        k.stats.zapBreaksForced++;
        directReclaim = false;
        break;
      }
    }
    const forceFlush = step.forceFlush;
    // Fast path: the lock was never dropped, so the table is known to be empty.
    const fast = k.options.patches.directReclaimFix ? directReclaim : true;
    let detached = false;
    if (canReclaimPt && fast && at === stop) {
      if (k.explored) yield point(k, "try_get_and_clear_pmd", "trylock", schedObject(OBJ_PML, pmd), true);
      detached = tryGetAndClearPmd(k, pmd, index);
      directReclaim = detached;
    }
    if (forceFlush) {
      if (k.explored) yield point(k, fn, "tlb_flush", schedObject(OBJ_TLB, 0), true);
      tlbFlushMmuTlbonly(k, tlb);
    }
    if (k.explored) yield* pteUnmapUnlock(k, fn, row);
    if (forceFlush) {
      if (k.explored) yield* tlbFlushMmuPath(k, tlb);
      else tlbFlushMmu(k, tlb);
    }
    if (at !== stop) {
      if (!k.options.patches.fullWithinPmd) return at;
      continue;
    }
    if (detached) {
      k.stats.reclaimedFast++;
      if (k.explored) yield* freePtePath(k, tlb, row, base);
      else freePte(k, tlb, row, base);
    } else if (canReclaimPt) yield* tryToFreePte(k, tlb, pmd, index, base);
    else if (details.reclaimPt) countDeclined(k, tlb, base, covers);
    return stop;
  }
}

/**
 * The huge part of zap_pmd_range(): [page, end) lies within the huge PMD entry `index` of the table `pmd`. Returns false where it is
 * gone now, true where it was split into a PTE table that is left to zapPteRange().
 */
function zapHugeEntry(
  k: KernelState,
  tlb: MmuGather,
  vma: Vma,
  pmd: number,
  index: number,
  page: number,
  end: number,
): boolean {
  if (end - page === PMD_PAGES) {
    zapHugePmd(k, tlb, vma, pmd, index, page);
    return false;
  }
  splitHugePmd(k, tlb.mm, vma, pmd, index);
  return k.tables.child(pmd, index) !== 0;
}

/**
 * The next page of [page, end) whose PMD entry is a PTE table, or `end`: k.zapPmd, k.zapIndex and k.zapBase (the page at which the slot begins) say which. Huge pages on the way are
 * zapped or split; tables that are missing at a higher level are stepped over whole (zap_p4d_range() to zap_pmd_range()).
 */
export function nextTableToZap(k: KernelState, tlb: MmuGather, vma: Vma, from: number, end: number): number {
  const { tables } = k;
  let page = from;
  while (page < end) {
    const pmd = pmdTable(k, tlb.mm, page);
    const gib = slotStart(page, PUD_PAGES);
    if (pmd === 0) {
      page = gib + PUD_PAGES;
      continue;
    }
    const at = pmdIndex(page);
    const index = tables.nextChild(pmd, at, PTRS_PER_TABLE);
    if (index !== at) page = gib + index * PMD_PAGES;
    if (index === PTRS_PER_TABLE) continue;
    if (page >= end) break;
    if (tables.child(pmd, index) < 0) {
      const stop = slotEnd(page, end, PMD_PAGES);
      if (!zapHugeEntry(k, tlb, vma, pmd, index, page, stop)) {
        page = stop;
        continue;
      }
    }
    k.zapPmd = pmd;
    k.zapIndex = index;
    k.zapBase = gib + index * PMD_PAGES;
    return page;
  }
  return end;
}

/** unmap_page_range(): zaps [start, end) of one VMA, table by table. */
export function* unmapPageRange(
  k: KernelState,
  tlb: MmuGather,
  vma: Vma,
  start: number,
  end: number,
  details: ZapDetails,
): Path<void> {
  if ((vma.flags & VM_HUGETLB) !== 0) {
    clearHugetlbPages(k, tlb, vma, start, end);
    return;
  }
  let page = nextTableToZap(k, tlb, vma, start, end);
  while (page < end) {
    const base = k.zapBase;
    page = base + (yield* zapPteRange(k, tlb, vma, page - base, Math.min(end - base, PMD_PAGES), details));
    page = nextTableToZap(k, tlb, vma, page, end);
  }
}
