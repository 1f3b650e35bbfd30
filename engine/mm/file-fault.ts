/** Faults on file mappings (mm/memory.c: do_fault and below; mm/filemap.c: filemap_map_pages; mm/shmem.c: shmem_fault). */

import { FAULT_BUS, FAULT_OK } from "./fault-result.ts";
import { fileOf, type MappedFile } from "./file.ts";
import { PMD_PAGES, PTRS_PER_TABLE, pmdIndex, pmdStart, pteIndex, slotStart } from "./geometry.ts";
import { anonPrepare } from "./mm-util.ts";
import {
  KIND_ANON,
  KIND_FILE,
  KIND_MARKER_UFFD_WP,
  KIND_MASK,
  PTE_DIRTY,
  PTE_EXCLUSIVE,
  PTE_UFFD_WP,
  PTE_WRITE,
  PTE_YOUNG,
} from "./pte.ts";
import { pteAlloc } from "./pte-map.ts";
import type { Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { accountHuge, setHugeBare, thpSuitable } from "./thp.ts";
import { shmemHugeFor } from "./thp-enabled.ts";
import { VM_NOHUGEPAGE, VM_SHARED, VM_UFFD_WP, VM_WRITE, type Vma } from "./vma.ts";

/** fault_around_bytes is 64 KiB. */
const FAULT_AROUND_PAGES = 16;

function addFileRss(mm: Mm, file: MappedFile, n: number): void {
  if (file.shmem) mm.rssShmem += n;
  else mm.rssFile += n;
}

/** Does the cache have a huge folio at `page` that its VMA and its table have room for? */
function roomForFolio(vma: Vma, file: MappedFile, page: number): boolean {
  return file.hugeCached.has(Math.floor((vma.pgoff + (page - vma.start)) / PMD_PAGES)) && thpSuitable(vma, page);
}

/** do_fault_around(): maps what the cache has near `page`, within its 64 KiB, its VMA and its table, or its huge folio. */
function* doFaultAround(k: KernelState, mm: Mm, vma: Vma, file: MappedFile, pmd: number, page: number): Path<boolean> {
  const window = slotStart(page, FAULT_AROUND_PAGES);
  let from = Math.max(window, vma.start);
  let end = Math.min(window + FAULT_AROUND_PAGES, vma.end, vma.start + (file.sizePages - vma.pgoff));
  if (from < end && k.profile.faultMapsFolio === "any" && roomForFolio(vma, file, page)) {
    from = pmdStart(page);
    end = from + PMD_PAGES;
  }
  const index = pmdIndex(page);
  let row = k.tables.child(pmd, index);
  for (let at = from; at < end; at++) {
    if (!file.isCached(vma.pgoff + (at - vma.start))) continue;
    if (row === 0) row = yield* pteAlloc(k, mm, pmd, index);
    if (k.tables.pte(row, pteIndex(at)) !== 0) continue;
    k.tables.setPte(row, pteIndex(at), KIND_FILE | (at === page ? PTE_YOUNG : 0));
    addFileRss(mm, file, 1);
  }
  return row > 0 && k.tables.pte(row, pteIndex(page)) !== 0;
}

/** do_set_pmd(): maps a huge folio of the cache by the PMD entry where the VMA allows it. */
function doSetPmd(k: KernelState, mm: Mm, vma: Vma, file: MappedFile, pmd: number, page: number): boolean {
  if (!roomForFolio(vma, file, page)) return false;
  if ((vma.flags & VM_NOHUGEPAGE) !== 0 && k.profile.noHugePageFaultsSmall) return false;
  const index = pmdIndex(page);
  if (k.tables.child(pmd, index) !== 0) return false;
  const shared = (vma.flags & (VM_SHARED | VM_WRITE)) === (VM_SHARED | VM_WRITE);
  const entry = KIND_FILE | PTE_YOUNG | (shared ? PTE_WRITE | PTE_DIRTY : 0);
  setHugeBare(k, pmd, index, entry);
  accountHuge(mm, vma, entry, 1);
  return true;
}

/**
 * do_fault(): nothing (or a uffd-wp marker, `old`) is mapped at `page` of a file mapping. A page beyond the end of the
 * file raises SIGBUS before any PTE table is installed.
 */
export function* fileFault(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  pmd: number,
  page: number,
  write: boolean,
  old: number,
): Path<number> {
  const file = fileOf(vma);
  const offset = vma.pgoff + (page - vma.start);
  const shared = (vma.flags & VM_SHARED) !== 0;
  const armed = (vma.flags & VM_UFFD_WP) !== 0;
  const marker = (old & KIND_MASK) === KIND_MARKER_UFFD_WP;
  const cow = write && !shared;
  const dirties = write && shared;
  if (dirties) file.markDirty(offset);
  if (cow) anonPrepare(k, mm, vma);
  // A huge page may reach over the end of the file: only who asks for what is before that finds it, a read within its 64 KiB.
  const around = write || armed ? page : Math.max(slotStart(page, FAULT_AROUND_PAGES), vma.start);
  const found = vma.pgoff + (around - vma.start) < file.sizePages;
  if (found && !cow && !marker && doSetPmdAllowed(vma, write) && doSetPmd(k, mm, vma, file, pmd, page)) return FAULT_OK;
  if (!write && !armed && !marker && (yield* doFaultAround(k, mm, vma, file, pmd, page))) return FAULT_OK;
  if (offset >= file.sizePages) return FAULT_BUS;
  if (!file.isCached(offset) && cacheHugeFolio(k, vma, file, offset, dirties)) {
    if (!cow && !marker && doSetPmd(k, mm, vma, file, pmd, page)) return FAULT_OK;
  }
  if (!file.isCached(offset)) {
    file.cached.add(offset);
    // What comes back from swap is dirty: its place there is given up.
    const swapped = file.swapped.delete(offset);
    if (file.shmem && !swapped && !dirties) file.clean.add(offset);
    k.timeNs += swapped ? k.options.cost.io : k.options.cost.page;
  }
  const row = yield* pteAlloc(k, mm, pmd, pmdIndex(page));
  const wp = marker && armed ? PTE_UFFD_WP : 0;
  if (cow) {
    const writable = wp === 0 && (vma.flags & VM_WRITE) !== 0 ? PTE_WRITE : 0;
    k.tables.setPte(row, pteIndex(page), KIND_ANON | PTE_DIRTY | PTE_YOUNG | PTE_EXCLUSIVE | writable | wp);
    mm.rssAnon++;
    return FAULT_OK;
  }
  const writable = shared && wp === 0 && (vma.flags & VM_WRITE) !== 0 ? PTE_WRITE : 0;
  const pte = KIND_FILE | PTE_YOUNG | writable | wp | (write ? PTE_DIRTY : 0);
  // finish_fault(): page by page where a userfaultfd is, or where an entry is not none.
  const whole =
    k.profile.faultMapsFolio !== "none" &&
    vma.uffd === null &&
    roomForFolio(vma, file, page) &&
    k.tables.nextPte(row, 0, PTRS_PER_TABLE) === PTRS_PER_TABLE;
  const [from, end] = whole ? [0, PTRS_PER_TABLE] : [pteIndex(page), pteIndex(page) + 1];
  k.tables.fillPte(row, from, end, pte);
  addFileRss(mm, file, end - from);
  return FAULT_OK;
}

/** shmem_get_folio_gfp(): the cache gets a huge folio for `offset` where it may, and has nothing else there. False: it does not. */
function cacheHugeFolio(k: KernelState, vma: Vma, file: MappedFile, offset: number, dirties: boolean): boolean {
  if (!shmemHugeFor(k.profile, file, vma, offset)) return false;
  const chunk = Math.floor(offset / PMD_PAGES);
  for (let at = chunk * PMD_PAGES; at < (chunk + 1) * PMD_PAGES; at++)
    if (file.cached.has(at) || file.swapped.has(at)) return false;
  file.hugeCached.add(chunk);
  if (!dirties) file.hugeClean.add(chunk);
  k.timeNs += k.options.cost.hugePage;
  return true;
}

function doSetPmdAllowed(vma: Vma, write: boolean): boolean {
  return !write || (vma.flags & VM_SHARED) !== 0;
}
