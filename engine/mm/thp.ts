/**
 * Transparent huge pages (mm/huge_memory.c). A huge PMD entry is minus the row of its deposited PTE table; the row's value is
 * the huge entry in the form of a PTE (pte.ts). File and hugetlb memory deposits nothing, and some kernels deposit nothing at all: the row
 * is a bare record then.
 */

import { type MmuGather, tlbAdjustRange } from "./gather.ts";
import { PMD_PAGES, pmdStart } from "./geometry.ts";
import { anonPrepare } from "./mm-util.ts";
import { linkTable, pteAllocOne, pteFree } from "./pgtable.ts";
import { accountRebuilt } from "./policy-cost.ts";
import {
  KIND_ANON,
  KIND_FILE,
  KIND_MASK,
  KIND_ZERO,
  PAGE_ID_SHIFT,
  PTE_DIRTY,
  PTE_EXCLUSIVE,
  PTE_LAZYFREE,
  PTE_WRITE,
  PTE_YOUNG,
} from "./pte.ts";
import type { KernelState, Mm } from "./state.ts";
import { TABLE_DEPOSITED, TABLE_HUGE_BARE, TABLE_UNLINKED } from "./tables.ts";
import { thpEnabledFor } from "./thp-enabled.ts";
import { VM_WRITE, type Vma, vmaIsAnonymous } from "./vma.ts";

/** Does the 2 MiB slot that holds `page` lie in the VMA, with a file offset to match (thp_vma_suitable_order())? */
export function thpSuitable(vma: Vma, page: number): boolean {
  const slot = pmdStart(page);
  if (slot < vma.start || slot + PMD_PAGES > vma.end) return false;
  return vmaIsAnonymous(vma) || (vma.start - vma.pgoff) % PMD_PAGES === 0;
}

/** thp_vma_allowable_order() for a fault. */
export function thpAllowable(k: KernelState, vma: Vma, page: number): boolean {
  return thpEnabledFor(k.thp.pmd, vma) && thpSuitable(vma, page);
}

/** The number of pages of one kind that a huge entry adds to its process; the huge zero page adds none. */
export function accountHuge(mm: Mm, vma: Vma, entry: number, sign: 1 | -1): void {
  const kind = entry & KIND_MASK;
  if (kind === KIND_ANON) mm.rssAnon += sign * PMD_PAGES;
  else if (kind === KIND_FILE) {
    if (vma.file?.shmem === true) mm.rssShmem += sign * PMD_PAGES;
    else mm.rssFile += sign * PMD_PAGES;
  }
}

/** Maps a huge page with the deposited table `row` (from pte_alloc_one, or the table that a collapse emptied). */
function setHugePmd(k: KernelState, pmd: number, index: number, row: number, entry: number): void {
  k.tables.setState(row, TABLE_DEPOSITED);
  k.tables.setHuge(row, entry);
  k.tables.setChild(pmd, index, -row);
}

/** Maps a huge page without a deposited table. Returns its row. */
export function setHugeBare(k: KernelState, pmd: number, index: number, entry: number): number {
  const row = k.tables.alloc(0, TABLE_HUGE_BARE);
  k.tables.setHuge(row, entry);
  k.tables.setChild(pmd, index, -row);
  return row;
}

/** Maps a new huge page of anonymous memory, with a new table deposited where the kernel does so. Returns its row. */
export function setHugeAnon(k: KernelState, mm: Mm, pmd: number, index: number, entry: number): number {
  if (!k.profile.depositedTables) return setHugeBare(k, pmd, index, entry);
  const row = pteAllocOne(k);
  mm.ptes++;
  if (k.tables.takeMark(pmd, index)) accountRebuilt(k);
  setHugePmd(k, pmd, index, row, entry);
  return row;
}

/** Maps a huge page where the table `row`, which is empty now, was: deposited under it, or freed. */
export function setHugeInPlace(k: KernelState, mm: Mm, pmd: number, index: number, row: number, entry: number): void {
  if (k.profile.depositedTables) {
    setHugePmd(k, pmd, index, row, entry);
    return;
  }
  k.tables.setState(row, TABLE_UNLINKED);
  pteFree(k, row);
  mm.ptes--;
  setHugeBare(k, pmd, index, entry);
}

/** do_huge_pmd_anonymous_page(): the PMD entry is none and a huge page is allowed. */
export function doHugePmdAnonymousPage(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  pmd: number,
  index: number,
  write: boolean,
): void {
  anonPrepare(k, mm, vma);
  const writable = (vma.flags & VM_WRITE) !== 0 ? PTE_WRITE : 0;
  const own = write || !k.profile.hugeZeroPage;
  const entry = own ? KIND_ANON | PTE_DIRTY | PTE_YOUNG | PTE_EXCLUSIVE | writable : KIND_ZERO | PTE_YOUNG;
  setHugeAnon(k, mm, pmd, index, entry);
  accountHuge(mm, vma, entry, 1);
  k.stats.hugeFaults++;
  k.timeNs += own ? k.options.cost.hugePage : k.options.cost.page;
}

/**
 * do_huge_pmd_wp_page(): a write to a huge page that is not writable. Returns false if the page had to be split and the
 * fault continues with small pages: the page is shared with another process, or it is the huge zero page of an older kernel.
 */
export function doHugePmdWpPage(k: KernelState, mm: Mm, vma: Vma, pmd: number, index: number): boolean {
  const row = -k.tables.child(pmd, index);
  const entry = k.tables.huge(row);
  if ((entry & KIND_MASK) === KIND_ZERO && k.profile.hugeZeroWrite === "huge") {
    anonPrepare(k, mm, vma);
    k.tables.setHuge(row, KIND_ANON | PTE_DIRTY | PTE_YOUNG | PTE_EXCLUSIVE | PTE_WRITE);
    mm.rssAnon += PMD_PAGES;
    k.timeNs += k.options.cost.hugePage;
    return true;
  }
  if ((entry & KIND_MASK) === KIND_ANON && ((entry & PTE_EXCLUSIVE) !== 0 || hugeOwners(k, row) === 1)) {
    k.tables.setHuge(row, (entry & ~PTE_LAZYFREE) | PTE_WRITE | PTE_DIRTY | PTE_YOUNG | PTE_EXCLUSIVE);
    return true;
  }
  splitHugePmd(k, mm, vma, pmd, index);
  return false;
}

/** Processes that map the huge page of this row. */
function hugeOwners(k: KernelState, row: number): number {
  return k.hugeSharers.get(row)?.count ?? 1;
}

/** fork maps the parent's huge page in the child too (copy_huge_pmd()). */
export function shareHuge(k: KernelState, parentRow: number, childRow: number): void {
  let sharers = k.hugeSharers.get(parentRow);
  if (sharers === undefined) {
    sharers = { count: 1 };
    k.hugeSharers.set(parentRow, sharers);
  }
  sharers.count++;
  k.hugeSharers.set(childRow, sharers);
}

function unshareHuge(k: KernelState, row: number): void {
  const sharers = k.hugeSharers.get(row);
  if (sharers === undefined) return;
  sharers.count--;
  k.hugeSharers.delete(row);
}

/**
 * __split_huge_pmd(): an anonymous huge page becomes a PTE table full of small ones, using the deposited table (a new one
 * if none was deposited). A file's huge page is only unmapped, and the entry is none afterwards.
 */
export function splitHugePmd(k: KernelState, mm: Mm, vma: Vma, pmd: number, index: number): void {
  const row = -k.tables.child(pmd, index);
  const entry = k.tables.huge(row);
  k.stats.hugeSplits++;
  let table = row;
  if (k.tables.state[row] === TABLE_HUGE_BARE) {
    k.tables.setChild(pmd, index, 0);
    if (!vmaIsAnonymous(vma)) {
      accountHuge(mm, vma, entry, -1);
      k.tables.free(row);
      return;
    }
    table = pteAllocOne(k);
    mm.ptes++;
  }
  unshareHuge(k, row);
  if (table !== row) k.tables.free(row);
  k.tables.setState(table, TABLE_UNLINKED);
  k.tables.fillPte(table, 0, PMD_PAGES, entry);
  for (const [at, id] of k.hugePages.get(row) ?? [])
    k.tables.fillPte(table, at, at + 1, (entry | (id << PAGE_ID_SHIFT)) >>> 0);
  k.hugePages.delete(row);
  linkTable(k, pmd, index, table);
}

/** The explorer's huge pages have parts with contents, which go after the gather's flush. */
function gatherHugePage(k: KernelState, tlb: MmuGather, row: number): void {
  const parts = k.hugePages.get(row);
  if (parts === undefined) return;
  for (const id of parts.values()) tlb.pageIds.push(id);
  k.hugePages.delete(row);
}

/**
 * zap_huge_pmd(): zaps the whole huge page and frees the table deposited under it. The page takes one place in the gather
 * (tlb_remove_page_size()), the huge zero page none; the caller flushes if there is no place left.
 */
export function zapHugePmd(k: KernelState, tlb: MmuGather, vma: Vma, pmd: number, index: number, page: number): void {
  const row = -k.tables.child(pmd, index);
  const entry = k.tables.huge(row);
  accountHuge(tlb.mm, vma, entry, -1);
  tlbAdjustRange(tlb, page, page + PMD_PAGES);
  k.stats.entriesZapped++;
  k.timeNs += k.options.cost.zapEntry;
  if ((entry & KIND_MASK) !== KIND_ZERO) tlb.pages++;
  gatherHugePage(k, tlb, row);
  removeHugePmd(k, tlb.mm, pmd, index, row);
}

/** Clears a huge entry and frees its deposited table, if it has one. The caller accounts for the pages. */
export function removeHugePmd(k: KernelState, mm: Mm, pmd: number, index: number, row: number): void {
  unshareHuge(k, row);
  k.tables.setChild(pmd, index, 0);
  if (k.tables.state[row] === TABLE_DEPOSITED) {
    k.tables.setState(row, TABLE_UNLINKED);
    pteFree(k, row);
    mm.ptes--;
  } else k.tables.free(row);
}

/** folio_maybe_mapped_shared(): does another process map the huge page of this row too? */
export function hugeShared(k: KernelState, row: number): boolean {
  return hugeOwners(k, row) > 1;
}
