/** MADV_GUARD_INSTALL and MADV_GUARD_REMOVE (mm/madvise.c). Ranges are in pages. */

import type { Errno } from "./errno.ts";
import { zapOf } from "./gather.ts";
import { pmdAddrEnd, pmdIndex } from "./geometry.ts";
import { anonPrepare } from "./mm-util.ts";
import { tlbFinishMmu, tlbGatherMmu } from "./mmu-gather.ts";
import { pmdAlloc } from "./pgtable.ts";
import { chargeCounts } from "./policy-cost.ts";
import { KIND_MARKER_GUARD, KIND_MASK } from "./pte.ts";
import { pteAlloc } from "./pte-map.ts";
import type { Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { VM_HUGETLB, VM_LOCKED, type Vma, vmaIsAnonymous } from "./vma.ts";
import { entryRange, walkPmds } from "./walk.ts";
import { unmapPageRange } from "./zap.ts";
import { ZAP_PLAIN } from "./zap-details.ts";

/** is_valid_guard_vma(), locked memory aside: can memory of this sort have guards? */
function mayBeGuarded(k: KernelState, vma: Vma): boolean {
  if ((vma.flags & VM_HUGETLB) !== 0) return false;
  return vmaIsAnonymous(vma) ? k.profile.guardAnon : k.profile.guardFile;
}

/** How often the kernel zaps and tries again before it lets the caller restart the system call. */
const MAX_RETRIES = 3;

/** guard_install_walk_ops: markers into none entries, tables where they are missing. False: something is mapped there. */
function* installMarkers(k: KernelState, mm: Mm, start: number, end: number): Path<boolean> {
  for (let page = start; page < end; ) {
    const stop = pmdAddrEnd(page, end);
    const pmd = pmdAlloc(k, mm, page);
    const index = pmdIndex(page);
    if (k.tables.child(pmd, index) < 0) return false;
    const row = yield* pteAlloc(k, mm, pmd, index);
    if (k.countNs > 0) chargeCounts(k, 1);
    const { from, to } = entryRange(page, stop);
    for (let at = from; at < to; ) {
      const next = k.tables.stretchEnd(row, at, to);
      const pte = k.tables.pte(row, at);
      if (pte === 0) k.tables.fillPte(row, at, next, KIND_MARKER_GUARD);
      else if ((pte & KIND_MASK) !== KIND_MARKER_GUARD) return false;
      at = next;
    }
    page = stop;
  }
  return true;
}

/**
 * madvise_guard_install(): accesses to [start, end) raise SIGSEGV from now on; what was mapped there is zapped. The VMA is marked,
 * so that fork copies the markers, by a flag or an anon_vma; an anonymous one gets an anon_vma in any case. Entries that a zap leaves (uffd-wp markers of file memory) end it with EAGAIN, where the
 * kernel would retry forever.
 */
export function* guardInstall(k: KernelState, mm: Mm, vma: Vma, start: number, end: number): Path<Errno | null> {
  if (!mayBeGuarded(k, vma) || (vma.flags & VM_LOCKED) !== 0) return "EINVAL";
  const { guardMark } = k.profile;
  if (guardMark === "flag") vma.maybeGuard = true;
  if (guardMark === "anon_vma" || vmaIsAnonymous(vma)) anonPrepare(k, mm, vma);
  for (let attempt = 0; attempt <= MAX_RETRIES; attempt++) {
    if (yield* installMarkers(k, mm, start, end)) return null;
    const tlb = tlbGatherMmu(k, mm);
    yield* unmapPageRange(k, vma, zapOf(tlb, start, end, ZAP_PLAIN));
    yield* tlbFinishMmu(k, tlb);
  }
  return "EAGAIN";
}

/** madvise_guard_remove(): markers of [start, end) become none entries; no table is freed. */
export function guardRemove(k: KernelState, mm: Mm, vma: Vma, start: number, end: number): Errno | null {
  if (!mayBeGuarded(k, vma)) return "EINVAL";
  walkPmds(k, mm, start, end, (pmd, index, page, stop) => {
    const row = k.tables.child(pmd, index);
    if (row < 0) return;
    const { from, to } = entryRange(page, stop);
    k.tables.changePtes(row, from, to, (pte) => ((pte & KIND_MASK) === KIND_MARKER_GUARD ? 0 : pte));
  });
  return null;
}
