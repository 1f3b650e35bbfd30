// Made from ../collapse.ts by `npm run plain-paths`, which says how: change that file, not this one.

import type { Errno } from "../errno.ts";
import { PMD_PAGES, PTRS_PER_TABLE, pmdIndex, pmdStart } from "../geometry.ts";
import { pmdTable } from "../pgtable.ts";
import { chargeCounts } from "../policy-cost.ts";
import {
  KIND_ANON,
  KIND_MASK,
  KIND_SWAP,
  KIND_ZERO,
  PTE_DIRTY,
  PTE_EXCLUSIVE,
  PTE_UFFD_WP,
  PTE_WRITE,
  PTE_YOUNG,
} from "../pte.ts";
import type { KernelState, Mm } from "../state.ts";
import { setHugeInPlace, thpSuitable } from "../thp.ts";
import { shmemHugeFor, thpEnabledFor } from "../thp-enabled.ts";
import { VM_HUGETLB, VM_NOHUGEPAGE, VM_WRITE, type Vma, vmaIsAnonymous } from "../vma.ts";
import { collapseFile, collapsePteMappedThp } from "./collapse-file.ts";

export type ScanResult =
  | "succeed"
  | "pmd_mapped"
  | "pmd_null"
  | "pmd_none"
  | "pte_mapped_hugepage"
  | "exceed_none"
  | "exceed_swap"
  | "exceed_shared"
  | "uffd_wp"
  | "page_ro"
  | "lack_referenced"
  | "page_count"
  | "vma_check"
  | "fail";
function collapsible(vma: Vma): boolean {
  if ((vma.flags & (VM_NOHUGEPAGE | VM_HUGETLB)) !== 0) return false;
  if (vma.end - vma.start < PMD_PAGES || !thpSuitable(vma, vma.end - PMD_PAGES)) return false;
  return !vmaIsAnonymous(vma) || vma.anonVma !== null;
}
function scanPmd(k: KernelState, vma: Vma, pmd: number, index: number, byKhugepaged: boolean): ScanResult {
  const { khugepagedMaxPtesNone, khugepagedMaxPtesSwap, khugepagedMaxPtesShared } = k.profile;
  if (pmd === 0) return "pmd_null";
  const entry = k.tables.child(pmd, index);
  if (entry === 0) return "pmd_none";
  if (entry < 0) return "pmd_mapped";
  let none = 0;
  let swapped = 0;
  let shared = 0;
  let referenced = 0;
  let writable = false;
  for (let at = 0; at < PTRS_PER_TABLE; ) {
    const pte = k.tables.pte(entry, at);
    const stop = k.tables.stretchEnd(entry, at, PTRS_PER_TABLE);
    const n = stop - at;
    const kind = pte & KIND_MASK;
    at = stop;
    if (pte === 0 || kind === KIND_ZERO) {
      none += n;
      if (vma.uffd !== null || (byKhugepaged && none > khugepagedMaxPtesNone)) return "exceed_none";
      continue;
    }
    if (kind >= KIND_SWAP) {
      swapped += n;
      if (byKhugepaged && swapped > khugepagedMaxPtesSwap) return "exceed_swap";
      if ((pte & PTE_UFFD_WP) !== 0) return "uffd_wp";
      if (kind !== KIND_SWAP) return "fail";
      continue;
    }
    if ((pte & PTE_UFFD_WP) !== 0) return "uffd_wp";
    if (kind !== KIND_ANON) return "fail";
    if ((pte & PTE_EXCLUSIVE) === 0) {
      shared += n;
      if (byKhugepaged && shared > khugepagedMaxPtesShared) return "exceed_shared";
    }
    if ((pte & PTE_YOUNG) !== 0) referenced += n;
    if ((pte & PTE_WRITE) !== 0) writable = true;
  }
  if (!writable && !k.profile.collapseReadOnly) return "page_ro";
  if (byKhugepaged && (referenced === 0 || (swapped > 0 && referenced < PTRS_PER_TABLE / 2))) return "lack_referenced";
  return "succeed";
}
export function collapseHugePage(k: KernelState, mm: Mm, vma: Vma, page: number): boolean {
  const tables = k.tables;

  const pmd = pmdTable(k, mm, page);
  const index = pmdIndex(page);

  const row = pmd === 0 ? 0 : tables.child(pmd, index);
  if (row <= 0) {
    return false;
  }

  tables.setChild(pmd, index, 0);

  let present = 0;
  let swapped = 0;
  for (let at = tables.nextPte(row, 0, PTRS_PER_TABLE); at < PTRS_PER_TABLE; ) {
    const stop = tables.stretchEnd(row, at, PTRS_PER_TABLE);
    const kind = tables.pte(row, at) & KIND_MASK;
    if (kind === KIND_ANON) present += stop - at;
    else if (kind === KIND_SWAP) swapped += stop - at;
    at = tables.nextPte(row, stop, PTRS_PER_TABLE);
  }

  if (tables.count[row] > 0) tables.fillPte(row, 0, PTRS_PER_TABLE, 0);
  mm.rssAnon += PMD_PAGES - present;
  mm.swapEntries -= swapped;
  k.timeNs += k.options.cost.hugePage;

  const writable = (vma.flags & VM_WRITE) !== 0 ? PTE_WRITE : 0;
  setHugeInPlace(k, mm, pmd, index, row, KIND_ANON | PTE_DIRTY | PTE_YOUNG | PTE_EXCLUSIVE | writable);
  if (k.countNs > 0) chargeCounts(k, 1);
  k.stats.collapses++;

  return true;
}
function collapseSlot(k: KernelState, mm: Mm, vma: Vma, page: number, byKhugepaged: boolean): ScanResult {
  if (vmaIsAnonymous(vma)) {
    const scanned = scanPmd(k, vma, pmdTable(k, mm, page), pmdIndex(page), byKhugepaged);
    if (scanned !== "succeed") return scanned;
    return collapseHugePage(k, mm, vma, page) ? "succeed" : "pmd_null";
  }
  const result = collapseFile(k, byKhugepaged ? null : mm, vma, page);
  return result === "pte_mapped_hugepage" ? collapsePteMappedThp(k, mm, vma, page) : result;
}
function collapseErrno(result: ScanResult): Errno {
  switch (result) {
    case "exceed_none":
    case "exceed_swap":
    case "exceed_shared":
      return "EBUSY";
    case "page_count":
      return "EAGAIN";
    default:
      return "EINVAL";
  }
}
const GOES_ON: ReadonlySet<ScanResult> = new Set<ScanResult>([
  "pmd_null",
  "uffd_wp",
  "page_ro",
  "lack_referenced",
  "page_count",
]);
export function madviseCollapse(k: KernelState, mm: Mm, vma: Vma, start: number, end: number): Errno | null {
  if (!collapsible(vma)) return "EINVAL";
  const first = pmdStart(start + PMD_PAGES - 1);
  const last = pmdStart(end);
  if (last < first) return k.profile.collapseShort ? null : "EINVAL";
  let collapsed = 0;
  let lastFailure: ScanResult = "fail";
  for (let page = first; page < last; page += PMD_PAGES) {
    const result = collapseSlot(k, mm, vma, page, false);
    if (result === "succeed" || result === "pmd_mapped") {
      collapsed++;
      continue;
    }
    lastFailure = result;
    const goesOn = result === "pmd_none" ? k.profile.collapseSkipsNone : GOES_ON.has(result);
    if (!goesOn) break;
  }
  return collapsed === (last - first) / PMD_PAGES ? null : collapseErrno(lastFailure);
}
function khugepagedVisits(k: KernelState, vma: Vma): boolean {
  if (vma.file === null) return thpEnabledFor(k.thp.pmd, vma);
  return shmemHugeFor(k.profile, vma.file, vma, vma.pgoff);
}
export function khugepagedScan(k: KernelState): void {
  for (const mm of k.processes) {
    for (const vma of [...mm.vmas.list]) {
      if (!khugepagedVisits(k, vma) || !collapsible(vma)) continue;
      const first = pmdStart(vma.start + PMD_PAGES - 1);
      for (let page = first; page + PMD_PAGES <= vma.end; page += PMD_PAGES) collapseSlot(k, mm, vma, page, true);
    }
  }
}
