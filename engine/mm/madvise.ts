/** madvise(2) (mm/madvise.c). Ranges are in pages. */

import type { Errno } from "./errno.ts";
import { type MmuGather, tlbFinishMmuPath, tlbGatherMmu } from "./mmu-gather.ts";
import type { Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { VM_HUGETLB, VM_LOCKED, type Vma } from "./vma.ts";
import { unmapPageRange } from "./zap.ts";
import { ZAP_DONTNEED } from "./zap-details.ts";

/** What one VMA's part of the range comes to: an errno ends the walk. */
export type Visit = (vma: Vma, start: number, end: number) => Errno | null;

/**
 * madvise_walk_vmas(): visits each VMA's part of [start, end) in order. Holes are remembered as ENOMEM while the walk goes on; a
 * visit that fails ends it.
 */
export function walkVmas(mm: Mm, start: number, end: number, visit: Visit): Errno | null {
  let holes: Errno | null = null;
  let page = start;
  while (page < end) {
    const vma = mm.vmas.list[mm.vmas.indexAbove(page)];
    if (vma === undefined) return "ENOMEM";
    if (vma.start > page) {
      holes = "ENOMEM";
      page = vma.start;
      if (page >= end) break;
    }
    const stop = vma.end < end ? vma.end : end;
    const failed = visit(vma, page, stop);
    if (failed !== null) return failed;
    page = stop;
  }
  return holes;
}

/** madvise_dontneed_single_vma() with its check: [start, end) lies in `vma`. */
function* dontneedVma(
  k: KernelState,
  tlb: MmuGather,
  vma: Vma,
  start: number,
  end: number,
  locked: boolean,
): Path<Errno | null> {
  if ((vma.flags & VM_HUGETLB) !== 0) {
    // madvise_dontneed_free_valid_vma(): the start must be aligned, the end is rounded down.
    if (start % 512 !== 0) return "EINVAL";
    const stop = end - (end % 512);
    if (stop > start) yield* unmapPageRange(k, tlb, vma, start, stop, ZAP_DONTNEED);
    return null;
  }
  if (!locked && (vma.flags & VM_LOCKED) !== 0) return "EINVAL";
  yield* unmapPageRange(k, tlb, vma, start, end, ZAP_DONTNEED);
  return null;
}

/**
 * madvise(MADV_DONTNEED), or MADV_DONTNEED_LOCKED with `locked`, on [start, end). Returns ENOMEM where the range has holes
 * (the VMAs in it are zapped all the same), EINVAL at the first locked VMA.
 */
export function* madviseDontneed(
  k: KernelState,
  mm: Mm,
  start: number,
  end: number,
  locked: boolean,
): Path<Errno | null> {
  const tlb = tlbGatherMmu(mm);
  tlb.requestStart = start;
  tlb.requestEnd = end;
  let status: Errno | null = null;
  let page = start;
  while (page < end) {
    const vma = mm.vmas.list[mm.vmas.indexAbove(page)];
    if (vma === undefined) {
      status = "ENOMEM";
      break;
    }
    if (vma.start > page) {
      status = "ENOMEM";
      page = vma.start;
      if (page >= end) break;
    }
    const stop = vma.end < end ? vma.end : end;
    const failed = yield* dontneedVma(k, tlb, vma, page, stop, locked);
    if (failed !== null) {
      status = failed;
      break;
    }
    page = stop;
  }
  yield* tlbFinishMmuPath(k, tlb);
  return status;
}
