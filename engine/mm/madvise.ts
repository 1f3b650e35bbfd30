/** madvise(2) (mm/madvise.c). Ranges are in pages. */

import type { Advice, MadviseOp } from "../workload/operation.ts";
import { wouldFail } from "./answered.ts";
import { madviseCollapse } from "./collapse.ts";
import type { Errno } from "./errno.ts";
import { EngineError } from "./error.ts";
import * as geometry from "./geometry.ts";
import { guardInstall, guardRemove } from "./guard.ts";
import { clearHugetlbPages } from "./hugetlb.ts";
import { adviseFlags, isFlagAdvice } from "./madvise-flags.ts";
import { madviseCold, madviseFree } from "./madvise-free.ts";
import { madvisePopulate } from "./mlock.ts";
import { type MmuGather, tlbFinishMmu, tlbFinishMmuPath, tlbGatherMmu } from "./mmu-gather.ts";
import type { OpResult } from "./result.ts";
import { drive, type Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { punchHole } from "./truncate.ts";
import type { Vma } from "./vma.ts";
import * as vmaFlags from "./vma.ts";
import { nextTableToZap, ZapWalk, zapPteRange, zapPteRangePath } from "./zap.ts";
import { ZAP_DONTNEED } from "./zap-details.ts";

// Bound here, so that they are constants to the compiler (geometry.ts).
const { PAGE_SIZE, PMD_PAGES, pageAligned, pageOf, pagesFor, pmdStart } = geometry;
const { VM_HUGETLB, VM_LOCKED, VM_SHARED } = vmaFlags;

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

/** madvise_dontneed_free_valid_vma(): may MADV_DONTNEED begin at `start` of this VMA? */
function dontneedValid(vma: Vma, start: number, locked: boolean): boolean {
  if ((vma.flags & VM_HUGETLB) !== 0) return start % PMD_PAGES === 0;
  return locked || (vma.flags & VM_LOCKED) === 0;
}

/** The walk of MADV_DONTNEED over VMAs and their tables: what the explored path and an experiment's have in common. */
class DontneedWalk {
  /** Where the range ends; `zaps` has what is left of the VMA's part of it. */
  private end = 0;
  private locked = false;
  declare readonly zaps: ZapWalk;
  private vma: Vma | null = null;
  status: Errno | null = null;

  constructor(tlb: MmuGather) {
    this.zaps = new ZapWalk(tlb, ZAP_DONTNEED);
  }

  begin(tlb: MmuGather, start: number, end: number, locked: boolean): this {
    if (this.zaps.tlb !== tlb) this.zaps.tlb = tlb;
    this.end = end;
    this.locked = locked;
    this.zaps.page = start;
    this.zaps.end = start;
    this.status = null;
    return this;
  }

  /** Goes to the next VMA (madvise_walk_vmas()). False: there is none, or it ends the walk. */
  private nextVma(mm: Mm): boolean {
    const { zaps, end } = this;
    if (zaps.page >= end) return false;
    const vma = mm.vmas.list[mm.vmas.indexAbove(zaps.page)];
    if (vma === undefined || vma.start > zaps.page) this.status = "ENOMEM";
    if (vma === undefined || vma.start >= end) return false;
    if (vma.start > zaps.page) zaps.page = vma.start;
    if (!dontneedValid(vma, zaps.page, this.locked)) {
      this.status = "EINVAL";
      return false;
    }
    zaps.end = vma.end < end ? vma.end : end;
    if (this.vma !== vma) this.vma = vma;
    return true;
  }

  /** The VMA of the next PTE table, which `zaps` has come to. Null: the walk is over, and `status` is its outcome. */
  next(k: KernelState): Vma | null {
    const { zaps } = this;
    while (zaps.page < zaps.end || this.nextVma(zaps.tlb.mm)) {
      const vma = this.vma as Vma;
      if ((vma.flags & VM_HUGETLB) !== 0) {
        clearHugetlbPages(k, zaps.tlb, vma, zaps.page, pmdStart(zaps.end));
        zaps.page = zaps.end;
      } else if (nextTableToZap(k, vma, zaps)) return vma;
    }
    return null;
  }
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
  const tlb = tlbGatherMmu(k, mm, start, end);
  const walk = new DontneedWalk(tlb).begin(tlb, start, end, locked);
  for (let vma = walk.next(k); vma !== null; vma = walk.next(k)) yield* zapPteRangePath(k, vma, walk.zaps);
  yield* tlbFinishMmuPath(k, tlb);
  return walk.status;
}

/** The walk of experiments: one call at a time. Null before the first. */
let aloneWalk: DontneedWalk | null = null;

/** The same, where no other CPU can come between. */
function madviseDontneedAlone(k: KernelState, mm: Mm, start: number, end: number, locked: boolean): Errno | null {
  const tlb = tlbGatherMmu(k, mm, start, end);
  aloneWalk ??= new DontneedWalk(tlb);
  const walk = aloneWalk.begin(tlb, start, end, locked);
  for (let vma = walk.next(k); vma !== null; vma = walk.next(k)) zapPteRange(k, vma, walk.zaps);
  tlbFinishMmu(k, tlb);
  return walk.status;
}

/** madvise_remove(): punches a hole into the file behind shared memory. */
function madviseRemove(k: KernelState, vma: Vma, start: number, end: number): Errno | null {
  if ((vma.flags & VM_LOCKED) !== 0 || vma.file === null) return "EINVAL";
  if ((vma.flags & VM_SHARED) === 0) return "EACCES";
  const from = vma.pgoff + (start - vma.start);
  drive(punchHole(k, vma.file, from, from + (end - start)));
  return null;
}

/** What the advice does to one VMA's part of the range; null: nothing that the engine models (readahead, KSM). */
function visitFor(k: KernelState, mm: Mm, advice: Advice): Visit {
  if (isFlagAdvice(advice)) return (vma, start, end) => adviseFlags(k, mm, vma, start, end, advice);
  switch (advice) {
    case "free":
      return (vma, start, end) => madviseFree(k, mm, vma, start, end);
    case "cold":
      return (vma, start, end) => madviseCold(k, mm, vma, start, end, false);
    case "pageout":
      return (vma, start, end) => madviseCold(k, mm, vma, start, end, true);
    case "remove":
      return (vma, start, end) => madviseRemove(k, vma, start, end);
    case "guard_install":
      return (vma, start, end) => drive(guardInstall(k, mm, vma, start, end));
    case "guard_remove":
      return (vma, start, end) => guardRemove(k, mm, vma, start, end);
    case "collapse":
      return (vma, start, end) => drive(madviseCollapse(k, mm, vma, start, end));
    default:
      return () => null;
  }
}

/** madvise_behavior_valid(): has this kernel such an advice? */
function adviceValid(k: KernelState, advice: Advice): boolean {
  const guards = advice === "guard_install" || advice === "guard_remove";
  return !guards || k.profile.guardAnon || k.profile.guardFile;
}

/** do_madvise() on bytes [addr, addr + len). */
function doMadvise(k: KernelState, mm: Mm, advice: Advice, addr: number, len: number): Errno | null {
  if (!adviceValid(k, advice) || !pageAligned(addr)) return "EINVAL";
  const start = pageOf(addr);
  const end = start + pagesFor(len);
  if (start === end) return null;
  switch (advice) {
    case "dontneed":
      return madviseDontneedAlone(k, mm, start, end, false);
    case "dontneed_locked":
      return madviseDontneedAlone(k, mm, start, end, true);
    case "populate_read":
      return madvisePopulate(k, mm, start, end, false);
    case "populate_write":
      return madvisePopulate(k, mm, start, end, true);
    case "hwpoison":
    case "soft_offline":
      throw new EngineError(`madvise ${advice} breaks memory of the whole machine and is not modelled; leave it out`);
    default:
      return walkVmas(mm, start, end, visitFor(k, mm, advice));
  }
}

/**
 * MADV_COLLAPSE of a trace that failed: what is memory without a file of its own was collapsed where it could be. Files of a
 * file system are not, unless nobody has them open for writing (file_thp_enabled()), which a trace does not tell.
 */
function collapseAnonymous(k: KernelState, mm: Mm, start: number, end: number): Errno | null {
  return walkVmas(mm, start, end, (vma, from, stop) =>
    vma.file !== null && !vma.file.shmem ? "EINVAL" : drive(madviseCollapse(k, mm, vma, from, stop)),
  );
}

/** Advice that process_madvise accepts for another process, and on older kernels for oneself too. */
const REMOTE_ADVICE: ReadonlySet<Advice> = new Set<Advice>(["cold", "pageout", "willneed", "collapse"]);

/** MAX_RW_COUNT: import_ubuf() takes no more than this of a range, in bytes. */
const MAX_RW_COUNT = 2 ** 31 - PAGE_SIZE;

/** process_madvise(2) of one range. */
function sysProcessMadvise(k: KernelState, mm: Mm, op: MadviseOp, result: OpResult): Errno | null {
  const len = Math.min(op.len, MAX_RW_COUNT);
  // access_ok(), before anything is asked about the process.
  if (op.addr + len > k.taskPages * PAGE_SIZE) return "EFAULT";
  const target = op.via === undefined || op.via === "self" ? mm : k.processes[op.via];
  if (target === undefined || !target.alive) return "ESRCH";
  const anyAdvice = target === mm && k.profile.processMadviseSelf;
  if (!anyAdvice && !REMOTE_ADVICE.has(op.advice)) return "EINVAL";
  const failed = doMadvise(k, target, op.advice, op.addr, len);
  if (failed === null) result.value = len;
  return failed;
}

/** madvise(2) of a trace that says how it failed (op.answered). */
function madviseAnswered(k: KernelState, mm: Mm, op: MadviseOp, answered: Errno): Errno | null {
  if (op.advice === "collapse") {
    const start = pageOf(op.addr);
    const end = start + pagesFor(op.len);
    // EAGAIN: one of the slots was in use at the moment. Where there is one only, nothing was done; of several, which is not known.
    const slots = (pmdStart(end) - pmdStart(start + PMD_PAGES - 1)) / PMD_PAGES;
    return answered === "EAGAIN" && slots <= 1 ? answered : collapseAnonymous(k, mm, start, end);
  }
  if (!wouldFail(k, mm, op, pageOf(op.addr), pagesFor(op.addr + op.len))) return answered;
  return madviseSteps(k, mm, op);
}

/** madvise(2), once or (op.step) in consecutive pieces; the status is then the last failure's. */
function madviseSteps(k: KernelState, mm: Mm, op: MadviseOp): Errno | null {
  if (op.step === undefined) return doMadvise(k, mm, op.advice, op.addr, op.len);
  if (!(op.step > 0)) throw new EngineError(`madvise step is ${op.step} bytes; it must be more than 0`);
  let status: Errno | null = null;
  for (let at = op.addr; at < op.addr + op.len; at += op.step) {
    const failed = doMadvise(k, mm, op.advice, at, Math.min(op.step, op.addr + op.len - at));
    if (failed !== null) status = failed;
  }
  return status;
}

/** madvise(2) and process_madvise(2). */
export function sysMadvise(k: KernelState, mm: Mm, op: MadviseOp, result: OpResult): Errno | null {
  if (op.via !== undefined) return sysProcessMadvise(k, mm, op, result);
  if (op.answered !== undefined) return madviseAnswered(k, mm, op, op.answered);
  return madviseSteps(k, mm, op);
}
