/**
 * hugetlb mappings (mm/hugetlb.c) with 2 MiB pages: mapped by PMD entries without any PTE table, taken from a pool that is
 * reserved at mmap.
 */

import { type MmuGather, tlbAdjustRange } from "./gather.ts";
import { PMD_PAGES, pmdIndex, pmdStart } from "./geometry.ts";
import { anonPrepare } from "./mm-util.ts";
import { pmdAlloc, pmdTable } from "./pgtable.ts";
import { KIND_FILE, PTE_DIRTY, PTE_WRITE, PTE_YOUNG } from "./pte.ts";
import type { KernelState, Mm } from "./state.ts";
import { removeHugePmd, setHugeBare } from "./thp.ts";
import { VM_WRITE, type Vma } from "./vma.ts";

/** hugetlb_fault(): maps the huge page of the slot. Returns false (SIGBUS) if the file ends before it. */
export function hugetlbFault(k: KernelState, mm: Mm, vma: Vma, page: number): boolean {
  const slot = pmdStart(page);
  anonPrepare(k, mm, vma);
  const pmd = pmdAlloc(k, mm, slot);
  const index = pmdIndex(slot);
  if (k.tables.child(pmd, index) !== 0) return true;
  setHugeBare(k, pmd, index, KIND_FILE | PTE_DIRTY | PTE_YOUNG | ((vma.flags & VM_WRITE) !== 0 ? PTE_WRITE : 0));
  mm.hugetlbPages += PMD_PAGES;
  k.timeNs += k.options.cost.hugePage;
  return true;
}

/** __unmap_hugepage_range(): [start, end) is aligned to huge pages. */
export function clearHugetlbPages(k: KernelState, tlb: MmuGather, start: number, end: number): void {
  const mm = tlb.mm;
  for (let page = start; page < end; page += PMD_PAGES) {
    const pmd = pmdTable(k, mm, page);
    if (pmd === 0) continue;
    const entry = k.tables.child(pmd, pmdIndex(page));
    if (entry === 0) continue;
    removeHugePmd(k, mm, pmd, pmdIndex(page), -entry);
    mm.hugetlbPages -= PMD_PAGES;
    tlbAdjustRange(tlb, page, page + PMD_PAGES);
    k.stats.entriesZapped++;
  }
}

/** copy_hugetlb_page_range(): the child maps the parent's huge pages, and has a PMD table wherever the parent has one. */
export function copyHugetlbRange(k: KernelState, parent: Mm, child: Mm, vma: Vma): void {
  for (let page = vma.start; page < vma.end; page += PMD_PAGES) {
    const pmd = pmdTable(k, parent, page);
    if (pmd === 0) continue;
    const childPmd = pmdAlloc(k, child, page);
    const entry = k.tables.child(pmd, pmdIndex(page));
    if (entry === 0) continue;
    const shared = (k.tables.huge(-entry) & ~PTE_WRITE) >>> 0;
    k.tables.setHuge(-entry, shared);
    setHugeBare(k, childPmd, pmdIndex(page), shared);
    child.hugetlbPages += PMD_PAGES;
    k.timeNs += k.options.cost.copyEntry;
  }
}
