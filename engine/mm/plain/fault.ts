// Made from ../fault.ts by `npm run plain-paths`, which says how: change that file, not this one.

import { anonFolioPages } from "../anon-folio.ts";

import { FAULT_BUS, FAULT_OK, FAULT_RETRY, FAULT_SEGV } from "../fault-result.ts";
import * as geometry from "../geometry.ts";
import { hugetlbFault } from "../hugetlb.ts";
import { anonPrepare } from "../mm-util.ts";
import { pmdAlloc, pmdEntry, pmdTable } from "../pgtable.ts";
import { chargeCounts } from "../policy-cost.ts";
import * as pteBits from "../pte.ts";
import type { KernelState, Mm } from "../state.ts";
import { doHugePmdAnonymousPage, doHugePmdWpPage, splitHugePmd, thpAllowable } from "../thp.ts";
import type { Vma } from "../vma.ts";
import * as vmaFlags from "../vma.ts";
import { fileFault } from "./file-fault.ts";
import { pteAlloc, pteOffsetMapLock } from "./pte-map.ts";

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
export function accessError(vma: Vma, write: boolean): boolean {
  return write ? (vma.flags & VM_WRITE) === 0 : (vma.flags & VM_ACCESS_FLAGS) === 0;
}
function writableBit(vma: Vma): number {
  return (vma.flags & VM_WRITE) !== 0 ? PTE_WRITE : 0;
}
function getsOwnPage(k: KernelState, write: boolean): boolean {
  return write || !k.profile.zeroPage;
}

function doAnonymousFolios(k: KernelState, mm: Mm, vma: Vma, pmd: number, page: number, n: number): number {
  const fn = "do_anonymous_page";
  const index = pmdIndex(page);

  if (pteAlloc(k, mm, pmd, index) < 0) return FAULT_RETRY;
  anonPrepare(k, mm, vma);
  const row = pteOffsetMapLock(k, fn, pmd, index);
  if (row <= 0) return FAULT_RETRY;

  setAnonFolios(k, mm, vma, row, page, n);

  return FAULT_OK;
}
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
    const end2 = start + pages;
    const old = 0;
    const n2 = end2 - start;
    let newAnonEntryResult: number;
    const keep = (old & KIND_MASK) === KIND_MARKER_UFFD_WP && (vma.flags & VM_UFFD_WP) !== 0 ? PTE_UFFD_WP : 0;
    if (!getsOwnPage(k, true)) {
      newAnonEntryResult = KIND_ZERO | PTE_YOUNG | keep;
    } else {
      const mayWrite = writableBit(vma);
      const dirty = mayWrite !== 0 ? PTE_DIRTY : 0;
      const writable = keep !== 0 ? 0 : mayWrite;
      newAnonEntryResult = (KIND_ANON | PTE_YOUNG | PTE_EXCLUSIVE | dirty | writable | keep | 0) >>> 0;
    }
    k.tables.fillPte(row, start, end2, newAnonEntryResult);
    if (getsOwnPage(k, true)) mm.rssAnon += n2;
    k.timeNs += n2 * k.options.cost.page;
    at = start + pages;
    faults++;
  }
  k.stats.faults -= n - faults;
  k.timeNs -= (n - faults) * k.options.cost.fault;
}
function doWpPage(k: KernelState, mm: Mm, vma: Vma, row: number, at: number, page: number, pte: number): number {
  let entry = pte;
  if ((entry & PTE_UFFD_WP) !== 0 && (vma.flags & VM_UFFD_WP) !== 0) {
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
  const copy = 0;
  k.tables.setPte(row, at, (KIND_ANON | PTE_WRITE | PTE_DIRTY | PTE_YOUNG | PTE_EXCLUSIVE | copy) >>> 0);

  return FAULT_OK;
}
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
    k.tables.setPte(row, at, KIND_ANON | PTE_YOUNG | PTE_EXCLUSIVE | writableBit(vma));
    return FAULT_OK;
  }
  if (write && (pte & PTE_WRITE) === 0) return doWpPage(k, mm, vma, row, at, page, pte);
  if (write && kind === KIND_FILE) markDirty(vma, page, 1);
  k.tables.setPte(row, at, (pte | PTE_YOUNG | (write ? PTE_DIRTY : 0)) >>> 0);
  return FAULT_OK;
}
function markDirty({ file, pgoff, start }: Vma, page: number, n: number): void {
  file?.markDirty(pgoff + (page - start), n);
}
export function handleMmFault(k: KernelState, mm: Mm, vma: Vma, page: number, write: boolean): number {
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

    const row = tables.child(pmd, index);
    if (row < 0) continue;
    const pte = row === 0 ? 0 : tables.pte(row, at);
    const kind = pte & KIND_MASK;
    if (pte === 0 || kind === KIND_MARKER_UFFD_WP) {
      if (!anonymous) return fileFault(k, mm, vma, pmd, page, write, pte);
      if ((vma.flags & VM_SHARED) !== 0) return FAULT_BUS;
      let result: number;
      const n = 1;
      const fn = "do_anonymous_page";
      const owns = getsOwnPage(k, write);
      if (pte === 0 && owns && k.thp.small.length > 0) {
        result = doAnonymousFolios(k, mm, vma, pmd, page, n);
      } else {
        const index2 = pmdIndex(page);
        const from = pteIndex(page);
        if (pteAlloc(k, mm, pmd, index2) < 0) {
          result = FAULT_RETRY;
        } else {
          if (owns) anonPrepare(k, mm, vma);
          const row2 = pteOffsetMapLock(k, fn, pmd, index2);
          if (row2 <= 0) {
            result = FAULT_RETRY;
          } else {
            const end = from + n;
            const n2 = end - from;
            let newAnonEntryResult: number;
            const keep = (pte & KIND_MASK) === KIND_MARKER_UFFD_WP && (vma.flags & VM_UFFD_WP) !== 0 ? PTE_UFFD_WP : 0;
            if (!getsOwnPage(k, write)) {
              newAnonEntryResult = KIND_ZERO | PTE_YOUNG | keep;
            } else {
              const mayWrite = writableBit(vma);
              const dirty = mayWrite !== 0 ? PTE_DIRTY : 0;
              const writable = keep !== 0 ? 0 : mayWrite;
              newAnonEntryResult = (KIND_ANON | PTE_YOUNG | PTE_EXCLUSIVE | dirty | writable | keep | 0) >>> 0;
            }
            k.tables.fillPte(row2, from, end, newAnonEntryResult);
            if (getsOwnPage(k, write)) mm.rssAnon += n2;
            k.timeNs += n2 * k.options.cost.page;
            result = FAULT_OK;
          }
        }
      }

      if (result !== FAULT_RETRY) return result;
      continue;
    }
    if (kind === KIND_MARKER_GUARD) return FAULT_SEGV;
    if (kind === KIND_MARKER_POISON || kind === KIND_HWPOISON) return FAULT_BUS;

    const result = resolvePresent(k, mm, vma, row, at, page, write, pte);

    if (result !== FAULT_RETRY) return result;
  }
}
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
  const row = -k.tables.child(pmd, index);
  if (vma.file?.shmem === true) mm.rssShmem -= PMD_PAGES;
  else mm.rssFile -= PMD_PAGES;
  k.tables.setChild(pmd, index, 0);
  k.tables.free(row);
  k.stats.hugeSplits++;
}
function mapped(pte: number, write: boolean): boolean {
  const kind = pte & KIND_MASK;
  if (kind === 0 || kind > KIND_ZERO) return false;
  return !write || (pte & PTE_WRITE) !== 0;
}
function protectedAt(k: KernelState, mm: Mm, page: number): boolean {
  const entry = pmdEntry(k, mm, page);
  const pte = entry > 0 ? k.tables.pte(entry, pteIndex(page)) : entry < 0 ? k.tables.huge(-entry) : 0;
  return (pte & PTE_UFFD_WP) !== 0 && (pte & PTE_WRITE) === 0;
}
function faultInPage(k: KernelState, mm: Mm, vma: Vma, page: number, write: boolean): number {
  const result = handleMmFault(k, mm, vma, page, write);
  if (result === FAULT_OK && write && vma.uffd !== null && protectedAt(k, mm, page))
    return handleMmFault(k, mm, vma, page, true);
  return result;
}
export interface TouchCounts {
  segv: number;
  bus: number;
}
export function faultInRange(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  write: boolean,
  counts: TouchCounts | null,
): number {
  const { tables } = k;
  const { cost } = k.options;
  const anonymous = vmaIsAnonymous(vma);
  const privateAnon = anonymous && (vma.flags & VM_SHARED) === 0;
  let page = start;
  while (page < end) {
    const pmd = pmdTable(k, mm, page);
    const index = pmdIndex(page);
    const at = pteIndex(page);
    const rest = end - page;
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
      let result: number;
      const old2 = 0;
      const fn = "do_anonymous_page";
      const owns = getsOwnPage(k, write);
      if (old2 === 0 && owns && k.thp.small.length > 0) {
        result = doAnonymousFolios(k, mm, vma, table, page, same);
      } else {
        const index2 = pmdIndex(page);
        const from = pteIndex(page);
        if (pteAlloc(k, mm, table, index2) < 0) {
          result = FAULT_RETRY;
        } else {
          if (owns) anonPrepare(k, mm, vma);
          const row = pteOffsetMapLock(k, fn, table, index2);
          if (row <= 0) {
            result = FAULT_RETRY;
          } else {
            const end2 = from + same;
            const n2 = end2 - from;
            let newAnonEntryResult: number;
            const keep = (old2 & KIND_MASK) === KIND_MARKER_UFFD_WP && (vma.flags & VM_UFFD_WP) !== 0 ? PTE_UFFD_WP : 0;
            if (!getsOwnPage(k, write)) {
              newAnonEntryResult = KIND_ZERO | PTE_YOUNG | keep;
            } else {
              const mayWrite = writableBit(vma);
              const dirty = mayWrite !== 0 ? PTE_DIRTY : 0;
              const writable = keep !== 0 ? 0 : mayWrite;
              newAnonEntryResult = (KIND_ANON | PTE_YOUNG | PTE_EXCLUSIVE | dirty | writable | keep | 0) >>> 0;
            }
            k.tables.fillPte(row, from, end2, newAnonEntryResult);
            if (getsOwnPage(k, write)) mm.rssAnon += n2;
            k.timeNs += n2 * k.options.cost.page;
            result = FAULT_OK;
          }
        }
      }

      if (result !== FAULT_RETRY) page += same;
      continue;
    }
    const beganNs = k.timeNs;
    const { faults } = k.stats;
    const result = faultInPage(k, mm, vma, page, write);
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
    const faultsEach = k.stats.faults - faults;
    k.stats.faults += alike * faultsEach;
    k.timeNs += alike * (k.timeNs - beganNs - faultsEach * k.countNs);
    if (k.countNs > 0) chargeCounts(k, alike * faultsEach);
  }
  return end;
}
export function touchVmaRange(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  write: boolean,
  counts: TouchCounts,
): void {
  if (accessError(vma, write)) {
    counts.segv += end - start;
    k.timeNs += (end - start) * k.options.cost.fault;
    return;
  }
  faultInRange(k, mm, vma, start, end, write, counts);
}
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
