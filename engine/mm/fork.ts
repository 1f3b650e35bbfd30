/** fork and exit of processes (kernel/fork.c: dup_mmap; mm/memory.c: copy_page_range; mm/mmap.c: exit_mmap). */

import { anonVmaFork, unlinkAnonVmas } from "./anon-vma.ts";
import { freePgtables } from "./free-pgtables.ts";
import { zapOf } from "./gather.ts";
import { PMD_PAGES, PTRS_PER_TABLE, PUD_PAGES, pmdIndex, pteIndex, pudIndex, slotEnd, slotStart } from "./geometry.ts";
import { copyHugetlbRange } from "./hugetlb.ts";
import { tlbFinishMmu, tlbGatherMmu } from "./mmu-gather.ts";
import { pmdAlloc, pudAlloc, pudTable } from "./pgtable.ts";
import { chargeCounts } from "./policy-cost.ts";
import {
  KIND_ANON,
  KIND_FILE,
  KIND_MARKER_UFFD_WP,
  KIND_MASK,
  KIND_SWAP,
  PTE_EXCLUSIVE,
  PTE_UFFD_WP,
  PTE_WRITE,
} from "./pte.ts";
import { pteAlloc, pteOffsetMapLock, pteUnmapUnlock } from "./pte-map.ts";
import { OBJ_PTE_ENTRY, type Path, point, schedObject } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { accountHuge, setHugeAnon, shareHuge } from "./thp.ts";
import { tlbInvalidate } from "./tlb.ts";
import {
  dupVma,
  VM_DONTCOPY,
  VM_HUGETLB,
  VM_LOCKED_MASK,
  VM_SHARED,
  VM_UFFD_MASK,
  VM_WIPEONFORK,
  type Vma,
  vmaIsAnonymous,
} from "./vma.ts";
import { unmapPageRange } from "./zap.ts";
import { ZAP_UNMAP } from "./zap-details.ts";

/** An entry as parent and child have it after fork: private pages are shared until written. */
function sharedEntry(vma: Vma, pte: number): number {
  if ((vma.flags & VM_SHARED) !== 0) return pte;
  return (pte & ~(PTE_WRITE | PTE_EXCLUSIVE)) >>> 0;
}

function addRss(mm: Mm, vma: Vma, pte: number, n: number): void {
  const kind = pte & KIND_MASK;
  if (kind === KIND_ANON) mm.rssAnon += n;
  else if (kind === KIND_SWAP) mm.swapEntries += n;
  else if (kind === KIND_FILE) {
    if (vma.file?.shmem === true) mm.rssShmem += n;
    else mm.rssFile += n;
  }
}

/** copy_pte_range(): entries [from, end) of the parent's table `source` appear in the child's `target`. */
function* copyPteRange(
  k: KernelState,
  parent: Mm,
  child: Mm,
  vma: Vma,
  pmd: number,
  index: number,
  target: number,
  from: number,
  end: number,
): Path<void> {
  const fn = "copy_pte_range";
  const tables = k.tables;
  const source = yield* pteOffsetMapLock(k, fn, pmd, index);
  if (source <= 0) return;
  yield point(k, fn, "pte_write", schedObject(OBJ_PTE_ENTRY, source, from), true);
  if (k.countNs > 0) chargeCounts(k, 2);
  for (let at = tables.nextPte(source, from, end); at < end; ) {
    const pte = tables.pte(source, at);
    const stop = tables.stretchEnd(source, at, end);
    if ((pte & KIND_MASK) !== KIND_MARKER_UFFD_WP) {
      const shared = sharedEntry(vma, pte);
      if (shared !== pte) tables.fillPte(source, at, stop, shared);
      tables.fillPte(target, at, stop, (shared & ~PTE_UFFD_WP) >>> 0);
      addRss(child, vma, pte, stop - at);
      k.timeNs += (stop - at) * k.options.cost.copyEntry;
    }
    at = tables.nextPte(source, stop, end);
  }
  tlbInvalidate(k, parent, vma.start, vma.end);
  yield* pteUnmapUnlock(k, fn, source);
}

/** copy_huge_pmd(): the child maps the parent's huge page, with a deposited table of its own where the kernel has such. File memory is left to faults. */
function copyHugePmd(k: KernelState, child: Mm, vma: Vma, row: number, childPmd: number, index: number): void {
  if (!vmaIsAnonymous(vma)) return;
  const entry = k.tables.huge(row);
  const shared = sharedEntry(vma, entry);
  k.tables.setHuge(row, shared);
  const copy = setHugeAnon(k, child, childPmd, index, (shared & ~PTE_UFFD_WP) >>> 0);
  accountHuge(child, vma, entry, 1);
  if ((entry & KIND_MASK) === KIND_ANON) shareHuge(k, row, copy);
}

/** copy_page_range(): every table that the parent has under the VMA, empty ones too. */
function* copyPageRange(k: KernelState, parent: Mm, child: Mm, vma: Vma): Path<void> {
  for (let page = vma.start; page < vma.end; ) {
    const pud = pudTable(k, parent, page);
    if (pud === 0) {
      page = slotEnd(page, vma.end, PUD_PAGES * PTRS_PER_TABLE);
      continue;
    }
    pudAlloc(k, child, page);
    const stop = slotEnd(page, vma.end, PUD_PAGES);
    const pmd = k.tables.child(pud, pudIndex(page));
    if (pmd === 0) {
      page = stop;
      continue;
    }
    const childPmd = pmdAlloc(k, child, page);
    const base = slotStart(page, PUD_PAGES);
    const last = Math.ceil((stop - base) / PMD_PAGES);
    for (
      let at = k.tables.nextChild(pmd, pmdIndex(page), last);
      at < last;
      at = k.tables.nextChild(pmd, at + 1, last)
    ) {
      const entry = k.tables.child(pmd, at);
      if (entry < 0) {
        copyHugePmd(k, child, vma, -entry, childPmd, at);
        continue;
      }
      const slot = base + at * PMD_PAGES;
      const from = page > slot ? pteIndex(page) : 0;
      const end = stop - slot < PTRS_PER_TABLE ? pteIndex(stop) : PTRS_PER_TABLE;
      const target = yield* pteAlloc(k, child, childPmd, at);
      yield* copyPteRange(k, parent, child, vma, pmd, at, target, from, end);
    }
    page = stop;
  }
}

/** dup_mmap(): a child with the parent's VMAs. A VMA's tables are copied iff it has an anon_vma or may have guards (vma_needs_copy()). */
export function* dupMmap(k: KernelState, parent: Mm): Path<Mm> {
  const child = k.newMm();
  child.mmapBase = parent.mmapBase;
  child.startBrk = parent.startBrk;
  child.brk = parent.brk;
  for (const vma of parent.vmas.list) {
    if ((vma.flags & VM_DONTCOPY) !== 0) continue;
    const copy = dupVma(vma);
    copy.flags &= ~(VM_LOCKED_MASK | VM_UFFD_MASK);
    copy.uffd = null;
    const wiped = (vma.flags & VM_WIPEONFORK) !== 0;
    if (!wiped) anonVmaFork(copy, vma);
    child.vmas.list.push(copy);
    child.totalVm += copy.end - copy.start;
    k.timeNs += k.options.cost.vma;
    if (wiped || (vma.anonVma === null && !vma.maybeGuard)) continue;
    if ((vma.flags & VM_HUGETLB) !== 0) copyHugetlbRange(k, parent, child, vma);
    else yield* copyPageRange(k, parent, child, vma);
  }
  return child;
}

/** exit_mmap(): everything is unmapped; the process is over. */
export function* exitMmap(k: KernelState, mm: Mm): Path<void> {
  const gone = mm.vmas.cut(0, mm.vmas.count);
  const tlb = tlbGatherMmu(k, mm);
  for (const vma of gone) yield* unmapPageRange(k, vma, zapOf(tlb, vma.start, vma.end, ZAP_UNMAP));
  yield* freePgtables(k, tlb, gone, 0, 0);
  yield* tlbFinishMmu(k, tlb);
  for (const vma of gone) unlinkAnonVmas(vma);
  mm.totalVm = 0;
  mm.lockedVm = 0;
  mm.defFlags = 0;
  mm.startBrk = -1;
  mm.brk = -1;
  mm.uffds = { sync: null, async: null };
}
