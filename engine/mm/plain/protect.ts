// Made from ../protect.ts by `npm run plain-paths`, which says how: change that file, not this one.

import type { Errno } from "../errno.ts";
import { PMD_PAGES, PUD_PAGES, pmdAddrEnd, pmdIndex, slotEnd } from "../geometry.ts";
import { pmdAlloc, pmdTable } from "../pgtable.ts";
import { chargeCounts } from "../policy-cost.ts";
import {
  KIND_ANON,
  KIND_FILE,
  KIND_MARKER_UFFD_WP,
  KIND_MASK,
  KIND_SWAP,
  PTE_DIRTY,
  PTE_EXCLUSIVE,
  PTE_UFFD_WP,
  PTE_WRITE,
} from "../pte.ts";
import type { KernelState, Mm } from "../state.ts";
import { splitHugePmd } from "../thp.ts";
import {
  VM_ACCESS_FLAGS,
  VM_ACCOUNT,
  VM_HUGETLB,
  VM_LOCKED,
  VM_NORESERVE,
  VM_SHARED,
  VM_UFFD_WP,
  VM_WRITE,
  type Vma,
  vmaIsAnonymous,
} from "../vma.ts";
import { vmaModify } from "../vma-merge.ts";
import { entryRange } from "../walk.ts";
import { populateVma } from "./mlock.ts";
import { pteAlloc, pteOffsetMapLock } from "./pte-map.ts";
export type ProtectionChange = "access" | "uffd_wp" | "uffd_wp_resolve";
function useMarkers(vma: Vma): boolean {
  if ((vma.flags & VM_UFFD_WP) === 0) return false;
  return !vmaIsAnonymous(vma) || vma.uffd?.wpUnpopulated === true;
}
function changeEntry(vma: Vma, pte: number, change: ProtectionChange): number {
  const kind = pte & KIND_MASK;
  if (kind === KIND_MARKER_UFFD_WP) return change === "uffd_wp_resolve" ? 0 : pte;
  if (kind > KIND_SWAP) return pte;
  let changed = pte;
  if (change === "uffd_wp") changed |= PTE_UFFD_WP;
  if (change === "uffd_wp_resolve") changed &= ~PTE_UFFD_WP;
  if (kind === KIND_SWAP) return changed >>> 0;
  changed &= ~PTE_WRITE;
  if ((vma.flags & VM_WRITE) !== 0 && (changed & PTE_UFFD_WP) === 0) {
    const mayWrite =
      (vma.flags & VM_SHARED) !== 0
        ? kind === KIND_FILE && (changed & PTE_DIRTY) !== 0
        : kind === KIND_ANON && (changed & PTE_EXCLUSIVE) !== 0;
    if (mayWrite) changed |= PTE_WRITE;
  }
  return changed >>> 0;
}
function changePteRange(
  k: KernelState,
  vma: Vma,
  pmd: number,
  index: number,
  from: number,
  end: number,
  change: ProtectionChange,
): void {
  const fn = "change_pte_range";
  const tables = k.tables;
  const row = pteOffsetMapLock(k, fn, pmd, index);
  if (row <= 0) return;

  if (k.countNs > 0) chargeCounts(k, 1);
  tables.changePtes(row, from, end, (pte) => changeEntry(vma, pte, change));
  if (change === "uffd_wp" && useMarkers(vma)) {
    for (let at = from; at < end; ) {
      const stop = tables.stretchEnd(row, at, end);
      if (tables.pte(row, at) === 0) tables.fillPte(row, at, stop, KIND_MARKER_UFFD_WP);
      at = stop;
    }
  }
}
export function changeProtection(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  change: ProtectionChange,
): void {
  const populate = change === "uffd_wp" && useMarkers(vma);
  let page = start;
  while (page < end) {
    const pmd = populate ? pmdAlloc(k, mm, page) : pmdTable(k, mm, page);
    if (pmd === 0) {
      page = slotEnd(page, end, PUD_PAGES);
      continue;
    }
    const stop = pmdAddrEnd(page, end);
    const index = pmdIndex(page);
    let entry = k.tables.child(pmd, index);
    if (entry < 0) {
      const splitNeeded = change === "uffd_wp" && !vmaIsAnonymous(vma);
      if (stop - page === PMD_PAGES && !splitNeeded) {
        k.tables.setHuge(-entry, changeEntry(vma, k.tables.huge(-entry), change));
        page = stop;
        continue;
      }
      splitHugePmd(k, mm, vma, pmd, index);
      entry = k.tables.child(pmd, index);
    }
    if (entry === 0 && populate) entry = pteAlloc(k, mm, pmd, index);
    if (entry > 0) {
      const { from, to } = entryRange(page, stop);
      changePteRange(k, vma, pmd, index, from, to, change);
    }
    page = stop;
  }
}
function mprotectFixup(k: KernelState, mm: Mm, vma: Vma, start: number, end: number, prot: number): Errno | null {
  const oldFlags = vma.flags;
  let flags = (oldFlags & ~VM_ACCESS_FLAGS) | prot;
  if (flags === oldFlags) return null;
  if ((flags & VM_WRITE) !== 0) {
    if ((oldFlags & (VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED | VM_NORESERVE)) === 0) flags |= VM_ACCOUNT;
  } else if (
    k.profile.protectUncharges &&
    (oldFlags & VM_ACCOUNT) !== 0 &&
    vmaIsAnonymous(vma) &&
    vma.anonVma === null
  ) {
    flags &= ~VM_ACCOUNT;
  }
  const part = vmaModify(k, mm, vma, start, end, flags);
  if (part === null) return (vma.flags & VM_HUGETLB) !== 0 ? "EINVAL" : "ENOMEM";
  part.flags = flags;
  if ((oldFlags & VM_HUGETLB) === 0) changeProtection(k, mm, part, start, end, "access");
  if ((oldFlags & (VM_WRITE | VM_SHARED | VM_LOCKED)) === VM_LOCKED && (flags & VM_WRITE) !== 0)
    populateVma(k, mm, part, start, end);
  return null;
}
export function doMprotect(k: KernelState, mm: Mm, start: number, end: number, prot: number): Errno | null {
  let page = start;
  while (page < end) {
    const vma = mm.vmas.lookup(page);
    if (vma === undefined) return "ENOMEM";
    const stop = Math.min(vma.end, end);
    const failed = mprotectFixup(k, mm, vma, page, stop, prot);
    if (failed !== null) return failed;
    page = stop;
  }
  return null;
}
