/** Page faults (mm/memory.c: __handle_mm_fault and below; arch/x86/mm/fault.c: access_error). */

import { anonFolioPages } from "./anon-folio.ts";
import { newPage, oneAtATime, pageContents } from "./explored.ts";
import { FAULT_BUS, FAULT_OK, FAULT_RETRY, FAULT_SEGV } from "./fault-result.ts";
import { fileFault } from "./file-fault.ts";
import * as geometry from "./geometry.ts";
import { hugetlbFault } from "./hugetlb.ts";
import { anonPrepare } from "./mm-util.ts";
import { pmdAlloc, pmdEntry, pmdTable } from "./pgtable.ts";
import { chargeCounts } from "./policy-cost.ts";
import * as pteBits from "./pte.ts";
import { pteAlloc, pteOffsetMapLock, pteSame, pteUnmapUnlock } from "./pte-map.ts";
import { rcuReadLock } from "./rcu.ts";
import { lock, OBJ_PMD_ENTRY, OBJ_PTL, type Path, point, schedObject } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { doHugePmdAnonymousPage, doHugePmdWpPage, splitHugePmd, thpAllowable } from "./thp.ts";
import { tlbInvalidate } from "./tlb.ts";
import type { Vma } from "./vma.ts";
import * as vmaFlags from "./vma.ts";

// Bound here, so that they are constants to the compiler (geometry.ts).
const { PMD_PAGES, PTRS_PER_TABLE, pmdIndex, pteIndex } = geometry;
const {
  KIND_ANON,
  KIND_FILE,
  KIND_HWPOISON,
  KIND_MARKER_GUARD,
  KIND_MARKER_POISON,
  KIND_MARKER_UFFD_WP,
  KIND_MASK,
  KIND_SWAP,
  KIND_ZERO,
  PTE_DIRTY,
  PTE_EXCLUSIVE,
  PTE_LAZYFREE,
  PTE_UFFD_WP,
  PTE_WRITE,
  PTE_YOUNG,
} = pteBits;
const { VM_ACCESS_FLAGS, VM_HUGETLB, VM_SHARED, VM_UFFD_WP, VM_WRITE, vmaIsAnonymous } = vmaFlags;

/** access_error(): may the VMA be accessed so? */
export function accessError(vma: Vma, write: boolean): boolean {
  return write ? (vma.flags & VM_WRITE) === 0 : (vma.flags & VM_ACCESS_FLAGS) === 0;
}

function writableBit(vma: Vma): number {
  return (vma.flags & VM_WRITE) !== 0 ? PTE_WRITE : 0;
}

/** Does the access get a page of its own, if there is none yet? Not a read, where the kernel has a shared zero page. */
function getsOwnPage(k: KernelState, write: boolean): boolean {
  return write || !k.profile.zeroPage;
}

/**
 * The entry of a new anonymous page, or of the zero page for a read. `old`: what was there (none, or a marker).
 * @plain inline
 */
function newAnonEntry(k: KernelState, vma: Vma, write: boolean, old: number): number {
  const keep = (old & KIND_MASK) === KIND_MARKER_UFFD_WP && (vma.flags & VM_UFFD_WP) !== 0 ? PTE_UFFD_WP : 0;
  if (!getsOwnPage(k, write)) return KIND_ZERO | PTE_YOUNG | keep;
  const mayWrite = writableBit(vma);
  const dirty = mayWrite !== 0 ? PTE_DIRTY : 0;
  const writable = keep !== 0 ? 0 : mayWrite;
  return (KIND_ANON | PTE_YOUNG | PTE_EXCLUSIVE | dirty | writable | keep | newPage(k, 0)) >>> 0;
}

/**
 * The heart of do_anonymous_page(): entries [from, end) of a PTE table, all `old` (none, or a marker), get new pages.
 * @plain inline
 */
function setAnonPtes(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  row: number,
  from: number,
  end: number,
  write: boolean,
  old: number,
): void {
  const n = end - from;
  k.tables.fillPte(row, from, end, newAnonEntry(k, vma, write, old));
  if (getsOwnPage(k, write)) mm.rssAnon += n;
  k.timeNs += n * k.options.cost.page;
}

/**
 * do_anonymous_page() for the entries of [page, page + n), which are in one table and all `old` (none, or a marker): each gets a page
 * of its own, or the zero page for a read. FAULT_RETRY: the table or the first entry is not what it was.
 * @plain inline
 */
function* doAnonymousPages(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  pmd: number,
  page: number,
  n: number,
  write: boolean,
  old: number,
): Path<number> {
  const fn = "do_anonymous_page";
  const owns = getsOwnPage(k, write);
  if (old === 0 && owns && k.thp.small.length > 0) return yield* doAnonymousFolios(k, mm, vma, pmd, page, n);
  const index = pmdIndex(page);
  const from = pteIndex(page);
  if ((yield* pteAlloc(k, mm, pmd, index)) < 0) return FAULT_RETRY;
  if (owns) anonPrepare(k, mm, vma);
  const row = yield* pteOffsetMapLock(k, fn, pmd, index);
  if (row <= 0) return FAULT_RETRY;
  const same = pteSame(k, row, from, old);
  if (same) setAnonPtes(k, mm, vma, row, from, from + n, write, old);
  yield* pteUnmapUnlock(k, fn, row);
  return same ? FAULT_OK : FAULT_RETRY;
}

/**
 * The same for entries that are none and get pages of their own where folios of several sizes are in use: a fault maps a whole one,
 * which may reach beyond. FAULT_RETRY likewise.
 */
function* doAnonymousFolios(k: KernelState, mm: Mm, vma: Vma, pmd: number, page: number, n: number): Path<number> {
  const fn = "do_anonymous_page";
  const index = pmdIndex(page);
  const from = pteIndex(page);
  if ((yield* pteAlloc(k, mm, pmd, index)) < 0) return FAULT_RETRY;
  anonPrepare(k, mm, vma);
  const row = yield* pteOffsetMapLock(k, fn, pmd, index);
  if (row <= 0) return FAULT_RETRY;
  const same = pteSame(k, row, from, 0);
  if (same) setAnonFolios(k, mm, vma, row, page, n);
  yield* pteUnmapUnlock(k, fn, row);
  return same ? FAULT_OK : FAULT_RETRY;
}

/** The entries of [page, page + n) of the table `row`, a folio each time that one is none. The lock is held. */
function setAnonFolios(k: KernelState, mm: Mm, vma: Vma, row: number, page: number, n: number): void {
  const from = pteIndex(page);
  const end = from + n;
  let faults = 0;
  for (let at = from; at < end; ) {
    if (k.tables.pte(row, at) !== 0) {
      at++;
      continue;
    }
    const pages = anonFolioPages(k, vma, row, at, page - from + at);
    const start = at - (at % pages);
    setAnonPtes(k, mm, vma, row, start, start + pages, true, 0);
    at = start + pages;
    faults++;
  }
  // Who called has counted one an entry.
  k.stats.faults -= n - faults;
  k.timeNs -= (n - faults) * k.options.cost.fault;
}

/** do_wp_page(): a write to a present entry that is not writable. The PTE lock is held. */
function doWpPage(k: KernelState, mm: Mm, vma: Vma, row: number, at: number, page: number, pte: number): number {
  let entry = pte;
  if ((entry & PTE_UFFD_WP) !== 0 && (vma.flags & VM_UFFD_WP) !== 0) {
    // Asynchronous mode resolves the fault here; a synchronous userfaultfd has UFFD_FEATURE_SIGBUS (handle_userfault()).
    if (vma.uffd?.wpAsync === false) return FAULT_BUS;
    entry &= ~PTE_UFFD_WP;
  }
  const kind = entry & KIND_MASK;
  if (kind === KIND_FILE && (vma.flags & VM_SHARED) !== 0) {
    markDirty(vma, page, 1);
    k.tables.setPte(row, at, (entry | PTE_WRITE | PTE_DIRTY | PTE_YOUNG) >>> 0);
    return FAULT_OK;
  }
  if (kind === KIND_ANON && (entry & PTE_EXCLUSIVE) !== 0) {
    entry = ((entry & ~PTE_LAZYFREE) | PTE_WRITE | PTE_DIRTY | PTE_YOUNG) >>> 0;
    k.tables.setPte(row, at, entry);
    return FAULT_OK;
  }
  anonPrepare(k, mm, vma);
  if (kind === KIND_FILE) {
    if (vma.file?.shmem === true) mm.rssShmem--;
    else mm.rssFile--;
  }
  if (kind !== KIND_ANON) mm.rssAnon++;
  k.timeNs += k.options.cost.page;
  const copy = newPage(k, pageContents(k, entry));
  k.tables.setPte(row, at, (KIND_ANON | PTE_WRITE | PTE_DIRTY | PTE_YOUNG | PTE_EXCLUSIVE | copy) >>> 0);
  tlbInvalidate(k, mm, page, page + 1);
  return FAULT_OK;
}

/** do_swap_page() for a swap entry: the page comes back. */
function doSwapPage(k: KernelState, mm: Mm, vma: Vma, row: number, at: number, write: boolean, pte: number): number {
  anonPrepare(k, mm, vma);
  mm.swapEntries--;
  mm.rssAnon++;
  k.timeNs += k.options.cost.io;
  const wp = pte & PTE_UFFD_WP;
  const exclusive = pte & PTE_EXCLUSIVE;
  const writable = wp === 0 && (write || exclusive !== 0) ? writableBit(vma) : 0;
  const dirty = write ? PTE_DIRTY : 0;
  k.tables.setPte(row, at, KIND_ANON | PTE_YOUNG | dirty | writable | wp | (write ? PTE_EXCLUSIVE : exclusive));
  return FAULT_OK;
}

/** The rest of handle_pte_fault(): the entry is not none and no marker. The PTE lock is held. */
function resolvePresent(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  row: number,
  at: number,
  page: number,
  write: boolean,
  pte: number,
): number {
  const kind = pte & KIND_MASK;
  if (kind === KIND_SWAP) return doSwapPage(k, mm, vma, row, at, write, pte);
  if (kind > KIND_SWAP) {
    // Migration and device memory come back as what they were.
    k.tables.setPte(row, at, KIND_ANON | PTE_YOUNG | PTE_EXCLUSIVE | writableBit(vma));
    return FAULT_OK;
  }
  if (write && (pte & PTE_WRITE) === 0) return doWpPage(k, mm, vma, row, at, page, pte);
  if (write && kind === KIND_FILE) markDirty(vma, page, 1);
  k.tables.setPte(row, at, (pte | PTE_YOUNG | (write ? PTE_DIRTY : 0)) >>> 0);
  return FAULT_OK;
}

/** The pages [page, page + n) of a mapping are written: those of the file behind it are dirty from now on. */
function markDirty({ file, pgoff, start }: Vma, page: number, n: number): void {
  file?.markDirty(pgoff + (page - start), n);
}

/** __handle_mm_fault(), and handle_pte_fault(): the VMA allows the access. Returns FAULT_OK, FAULT_SEGV or FAULT_BUS. */
export function* handleMmFault(k: KernelState, mm: Mm, vma: Vma, page: number, write: boolean): Path<number> {
  k.stats.faults++;
  k.timeNs += k.options.cost.fault;
  if (k.countNs > 0) chargeCounts(k, 1);
  if ((vma.flags & VM_HUGETLB) !== 0) return hugetlbFault(k, mm, vma, page) ? FAULT_OK : FAULT_BUS;
  const { tables } = k;
  const anonymous = vmaIsAnonymous(vma);
  const index = pmdIndex(page);
  const at = pteIndex(page);
  for (;;) {
    const pmd = pmdAlloc(k, mm, page);
    const entry = tables.child(pmd, index);
    if (entry === 0 && anonymous && thpAllowable(k, vma, page)) {
      doHugePmdAnonymousPage(k, mm, vma, pmd, index, write);
      return FAULT_OK;
    }
    if (entry < 0) {
      const huge = tables.huge(-entry);
      if (write) markDirty(vma, page, 1);
      if (!write || (huge & PTE_WRITE) !== 0) return FAULT_OK;
      if ((huge & PTE_UFFD_WP) !== 0 && vma.uffd?.wpAsync === false) return FAULT_BUS;
      if (wpHuge(k, mm, vma, pmd, index, -entry, huge)) return FAULT_OK;
    }
    // handle_pte_fault()
    yield point(k, "handle_pte_fault", "pmd_read", schedObject(OBJ_PMD_ENTRY, pmd, index), false);
    const row = tables.child(pmd, index);
    if (row < 0) continue;
    const pte = row === 0 ? 0 : tables.pte(row, at);
    const kind = pte & KIND_MASK;
    if (pte === 0 || kind === KIND_MARKER_UFFD_WP) {
      if (!anonymous) return yield* fileFault(k, mm, vma, pmd, page, write, pte);
      if ((vma.flags & VM_SHARED) !== 0) return FAULT_BUS;
      const result = yield* doAnonymousPages(k, mm, vma, pmd, page, 1, write, pte);
      if (result !== FAULT_RETRY) return result;
      continue;
    }
    if (kind === KIND_MARKER_GUARD) return FAULT_SEGV;
    if (kind === KIND_MARKER_POISON || kind === KIND_HWPOISON) return FAULT_BUS;
    // The table stays mapped (pte_unmap() comes last); an entry that is still there proves that the table is, too.
    rcuReadLock(k);
    yield* lock(k, "handle_pte_fault", schedObject(OBJ_PTL, row));
    const result = pteSame(k, row, at, pte) ? resolvePresent(k, mm, vma, row, at, page, write, pte) : FAULT_RETRY;
    yield* pteUnmapUnlock(k, "handle_pte_fault", row);
    if (result !== FAULT_RETRY) return result;
  }
}

/** wp_huge_pmd(): a write to a huge page that is not writable. False: split, go on with small pages. */
function wpHuge(k: KernelState, mm: Mm, vma: Vma, pmd: number, index: number, row: number, huge: number): boolean {
  if (vmaIsAnonymous(vma)) {
    if ((huge & PTE_UFFD_WP) === 0 || vma.uffd === null) return doHugePmdWpPage(k, mm, vma, pmd, index);
    splitHugePmd(k, mm, vma, pmd, index);
    return false;
  }
  if ((vma.flags & VM_SHARED) !== 0 && (huge & PTE_UFFD_WP) === 0) {
    k.tables.setHuge(row, huge | PTE_WRITE | PTE_DIRTY);
    return true;
  }
  splitFileHuge(k, mm, vma, pmd, index);
  return false;
}

function splitFileHuge(k: KernelState, mm: Mm, vma: Vma, pmd: number, index: number): void {
  // A private copy of one page: the file's huge page is unmapped and small pages follow.
  const row = -k.tables.child(pmd, index);
  if (vma.file?.shmem === true) mm.rssShmem -= PMD_PAGES;
  else mm.rssFile -= PMD_PAGES;
  k.tables.setChild(pmd, index, 0);
  k.tables.free(row);
  k.stats.hugeSplits++;
}

/** Would the hardware allow the access without a fault? */
function mapped(pte: number, write: boolean): boolean {
  const kind = pte & KIND_MASK;
  if (kind === 0 || kind > KIND_ZERO) return false;
  return !write || (pte & PTE_WRITE) !== 0;
}

/** Is what a fault brought in write-protected by a userfaultfd? */
function protectedAt(k: KernelState, mm: Mm, page: number): boolean {
  const entry = pmdEntry(k, mm, page);
  const pte = entry > 0 ? k.tables.pte(entry, pteIndex(page)) : entry < 0 ? k.tables.huge(-entry) : 0;
  return (pte & PTE_UFFD_WP) !== 0 && (pte & PTE_WRITE) === 0;
}

/** An access to one page that needs a fault. */
function* faultInPage(k: KernelState, mm: Mm, vma: Vma, page: number, write: boolean): Path<number> {
  const result = yield* handleMmFault(k, mm, vma, page, write);
  // A page that came in where a uffd-wp marker was is protected still: the access faults again.
  if (result === FAULT_OK && write && vma.uffd !== null && protectedAt(k, mm, page))
    return yield* handleMmFault(k, mm, vma, page, true);
  return result;
}

/** What one touch operation came to, in pages. */
export interface TouchCounts {
  segv: number;
  bus: number;
}

/**
 * Faults in every page of [start, end), which lies in `vma` and which the VMA allows, each once, in order. Stretches of equal
 * entries of anonymous memory are dealt with in one go where every one of them would take the same way. Signals are added to `counts`;
 * with `counts` null the first one ends it. Returns the page after the last that was dealt with.
 */
export function* faultInRange(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  write: boolean,
  counts: TouchCounts | null,
): Path<number> {
  const { tables } = k;
  const { cost } = k.options;
  const anonymous = vmaIsAnonymous(vma);
  const privateAnon = anonymous && (vma.flags & VM_SHARED) === 0;
  let page = start;
  while (page < end) {
    const pmd = pmdTable(k, mm, page);
    const index = pmdIndex(page);
    const at = pteIndex(page);
    const rest = oneAtATime() ? 1 : end - page;
    const stop = rest < PTRS_PER_TABLE - at ? at + (rest | 0) : PTRS_PER_TABLE;
    const entry = pmd === 0 ? 0 : tables.child(pmd, index);
    if (entry < 0 && (!write || (tables.huge(-entry) & PTE_WRITE) !== 0)) {
      if (write) markDirty(vma, page, stop - at);
      k.timeNs += (stop - at) * cost.access;
      page += stop - at;
      continue;
    }
    const old = entry > 0 ? tables.pte(entry, at) : 0;
    const last = at + 1 === stop || entry < 0;
    const same = last ? 1 : (entry === 0 ? stop : tables.stretchEnd(entry, at, stop)) - at;
    if (mapped(old, write)) {
      k.timeNs += same * cost.access;
      if (write && (old & PTE_DIRTY) === 0) {
        if ((old & KIND_MASK) === KIND_FILE) markDirty(vma, page, same);
        tables.fillPte(entry, at, at + same, ((old & ~PTE_LAZYFREE) | PTE_DIRTY | PTE_YOUNG) >>> 0);
      }
      page += same;
      continue;
    }
    if (old === 0 && privateAnon && (entry > 0 || (entry === 0 && !thpAllowable(k, vma, page)))) {
      k.stats.faults += same;
      k.timeNs += same * cost.fault;
      if (k.countNs > 0) chargeCounts(k, same);
      const table = pmd === 0 ? pmdAlloc(k, mm, page) : pmd;
      const result = yield* doAnonymousPages(k, mm, vma, table, page, same, write, 0);
      if (result !== FAULT_RETRY) page += same;
      continue;
    }
    const beganNs = k.timeNs;
    const { faults } = k.stats;
    const result = yield* faultInPage(k, mm, vma, page, write);
    if (result !== FAULT_OK) {
      if (counts === null) return page;
      if (result === FAULT_SEGV) counts.segv++;
      else counts.bus++;
      page++;
      continue;
    }
    page++;
    if (!anonymous || same === 1) continue;
    const alike = touchAlike(k, mm, page, at + 1, same - 1, old);
    page += alike;
    // Each of them as the first.
    const faultsEach = k.stats.faults - faults;
    k.stats.faults += alike * faultsEach;
    k.timeNs += alike * (k.timeNs - beganNs - faultsEach * k.countNs);
    if (k.countNs > 0) chargeCounts(k, alike * faultsEach);
  }
  return end;
}

/** A program's accesses to the pages [start, end) of `vma`, each once: those that it does not allow raise SIGSEGV. */
export function* touchVmaRange(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  write: boolean,
  counts: TouchCounts,
): Path<void> {
  if (accessError(vma, write)) {
    counts.segv += end - start;
    k.timeNs += (end - start) * k.options.cost.fault;
    return;
  }
  yield* faultInRange(k, mm, vma, start, end, write, counts);
}

/**
 * The rest of a stretch of equal entries, the first of which has just been faulted in: entries [at, at + n) take what it
 * became. Returns how many were dealt with: 0 where the fault mapped a huge page.
 */
function touchAlike(k: KernelState, mm: Mm, page: number, at: number, n: number, old: number): number {
  const pmd = pmdTable(k, mm, page);
  const row = k.tables.child(pmd, pmdIndex(page));
  if (row <= 0) return 0;
  const entry = k.tables.pte(row, at - 1);
  if (k.tables.stretchEnd(row, at, at + n) !== at + n || k.tables.pte(row, at) !== old) return 0;
  const oldKind = old & KIND_MASK;
  const newKind = entry & KIND_MASK;
  k.tables.fillPte(row, at, at + n, entry);
  if (newKind === KIND_ANON && oldKind !== KIND_ANON) mm.rssAnon += n;
  if (oldKind === KIND_SWAP) mm.swapEntries -= n;
  return n;
}
