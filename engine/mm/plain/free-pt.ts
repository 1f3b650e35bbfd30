// Made from ../free-pt.ts by `npm run plain-paths`, which says how: change that file, not this one.

import { deferEmptyTable, detachEmptyTable, flushTable, looksEmpty } from "../empty-table.ts";
import type { Errno } from "../errno.ts";
import { PMD_PAGES, PUD_PAGES, pmdIndex, pmdStart, slotEnd } from "../geometry.ts";
import { pmdTable } from "../pgtable.ts";
import { charge, endCall } from "../policy-cost.ts";

import type { KernelState, Mm } from "../state.ts";
import { VM_HUGETLB, VM_UFFD_WP, type Vma } from "../vma.ts";

function freePtEntry(k: KernelState, mm: Mm, pmd: number, index: number, base: number): void {
  const row = k.tables.child(pmd, index);
  if (row <= 0) {
    return;
  }

  charge(k, 2 * k.options.cost.lock);
  const empty = looksEmpty(k, mm, row, base);
  if (empty) {
    detachEmptyTable(k, row);
  }

  if (!empty) return;

  flushTable(k);

  deferEmptyTable(k, row);
  k.stats.reclaimedSlow++;
}
function freePtRange(k: KernelState, mm: Mm, start: number, end: number): void {
  const stop = pmdStart(end);
  for (let page = pmdStart(start + PMD_PAGES - 1); page < stop; ) {
    const pmd = pmdTable(k, mm, page);
    const next = slotEnd(page, stop, PUD_PAGES);
    if (pmd !== 0) {
      const first = pmdIndex(page);
      const last = first + (next - page) / PMD_PAGES;
      for (let at = k.tables.nextChild(pmd, first, last); at < last; at = k.tables.nextChild(pmd, at + 1, last))
        freePtEntry(k, mm, pmd, at, page + (at - first) * PMD_PAGES);
    }
    page = next;
  }
}
function scanned(vma: Vma): boolean {
  return (vma.flags & (VM_HUGETLB | VM_UFFD_WP)) === 0;
}
export function scanMm(k: KernelState, mm: Mm, pages: number): void {
  const { list } = mm.vmas;
  let left = pages;
  charge(k, k.options.cost.lock);
  for (let at = mm.vmas.indexAbove(mm.scanFrom); at < list.length; at++) {
    const vma = list[at];
    if (!scanned(vma)) continue;
    const start = Math.max(vma.start, mm.scanFrom);
    const end = Math.min(vma.end, start + left);
    freePtRange(k, mm, start, end);
    left -= end - start;
    if (left > 0) continue;
    mm.scanFrom = end === vma.end ? end : pmdStart(end);
    return;
  }
  mm.scanFrom = 0;
}
export function scanAll(k: KernelState): void {
  k.payer = "nobody";
  for (const mm of k.processes) {
    if (!mm.alive) continue;
    mm.scanFrom = 0;
    scanMm(k, mm, Number.POSITIVE_INFINITY);
  }
  k.payer = "call";
}
function askForAll(k: KernelState): void {
  for (const mm of k.processes) {
    if (!mm.alive) continue;
    charge(k, k.options.cost.syscall);
    for (const vma of mm.vmas.list) freePtRange(k, mm, vma.start, vma.end);
    endCall(k);
  }
}
export function runDue(k: KernelState): void {
  const { scan, ask } = k.options.features;
  if (scan !== null) {
    k.payer = "nobody";
    for (const mm of k.processes) if (mm.alive) scanMm(k, mm, scan.pages);
    k.payer = "call";
  }
  if (ask !== null) askForAll(k);
  k.dueNs = k.timeNs + Math.min(scan?.intervalNs ?? Infinity, ask?.intervalNs ?? Infinity);
}
export function madvisePtReclaim(k: KernelState, mm: Mm, start: number, end: number): Errno | null {
  freePtRange(k, mm, start, end);
  return null;
}
