/** madvise(2) (mm/madvise.c). Ranges are in pages. */

import { wouldFail } from "./answered.ts";
import { madviseCollapse } from "./collapse.ts";
import type { Errno } from "./errno.ts";
import { EngineError } from "./error.ts";
import { madvisePtReclaim } from "./free-pt.ts";
import { zapOf } from "./gather.ts";
import * as geometry from "./geometry.ts";
import { guardInstall, guardRemove } from "./guard.ts";
import { adviseFlags, isFlagAdvice } from "./madvise-flags.ts";
import { madviseCold, madviseFree } from "./madvise-free.ts";
import { madvisePopulate } from "./mlock.ts";
import { tlbFinishMmu, tlbGatherMmu } from "./mmu-gather.ts";
import type { Advice, MadviseOp } from "./operation.ts";
import { endCall } from "./policy-cost.ts";
import type { OpResult } from "./result.ts";
import type { Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { punchHole } from "./truncate.ts";
import type { Vma } from "./vma.ts";
import * as vmaFlags from "./vma.ts";
import { VmaWalk } from "./vma-walk.ts";
import { unmapPageRange } from "./zap.ts";
import { ZAP_DONTNEED } from "./zap-details.ts";

// Bound here, so that they are constants to the compiler (geometry.ts).
const { PAGE_SIZE, PMD_PAGES, pageAligned, pageOf, pagesFor, pmdStart } = geometry;
const { VM_HUGETLB, VM_LOCKED, VM_SHARED } = vmaFlags;

/** What one VMA's part of the range comes to: an errno ends the walk. */
type Visit = (vma: Vma, start: number, end: number) => Path<Errno | null>;

/** madvise_walk_vmas(): visits each VMA's part of [start, end) in order. */
function* walkVmas(mm: Mm, start: number, end: number, visit: Visit): Path<Errno | null> {
  const walk = new VmaWalk().begin(start, end);
  for (let vma = walk.next(mm); vma !== null; vma = walk.next(mm)) {
    const failed = yield* visit(vma, walk.page, walk.stop);
    if (failed !== null) return failed;
  }
  return walk.status;
}

/**
 * madvise_dontneed_free_valid_vma(): may MADV_DONTNEED begin at `start` of this VMA?
 * @plain inline
 */
function dontneedValid(vma: Vma, start: number, locked: boolean): boolean {
  if ((vma.flags & VM_HUGETLB) !== 0) return start % PMD_PAGES === 0;
  return locked || (vma.flags & VM_LOCKED) === 0;
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
  const walk = (k.spareVmaWalk ?? new VmaWalk()).begin(start, end);
  k.spareVmaWalk = null;
  for (let vma = walk.next(mm); vma !== null; vma = walk.next(mm)) {
    if (!dontneedValid(vma, walk.page, locked)) {
      walk.status = "EINVAL";
      break;
    }
    const stop = (vma.flags & VM_HUGETLB) !== 0 ? pmdStart(walk.stop) : walk.stop;
    yield* unmapPageRange(k, vma, zapOf(tlb, walk.page, stop, ZAP_DONTNEED));
  }
  yield* tlbFinishMmu(k, tlb);
  k.spareVmaWalk = walk;
  return walk.status;
}

/** madvise_remove(): punches a hole into the file behind shared memory. */
function* madviseRemove(k: KernelState, vma: Vma, start: number, end: number): Path<Errno | null> {
  if ((vma.flags & VM_LOCKED) !== 0 || vma.file === null) return "EINVAL";
  if ((vma.flags & VM_SHARED) === 0) return "EACCES";
  const from = vma.pgoff + (start - vma.start);
  yield* punchHole(k, vma.file, from, from + (end - start));
  return null;
}

/** What the advice does to one VMA's part of the range; null: nothing that the engine models (readahead, KSM). */
function* adviseVma(k: KernelState, mm: Mm, vma: Vma, start: number, end: number, advice: Advice): Path<Errno | null> {
  if (isFlagAdvice(advice)) return adviseFlags(k, mm, vma, start, end, advice);
  switch (advice) {
    case "free":
      return madviseFree(k, mm, vma, start, end);
    case "cold":
      return madviseCold(k, mm, vma, start, end, false);
    case "pageout":
      return madviseCold(k, mm, vma, start, end, true);
    case "remove":
      return yield* madviseRemove(k, vma, start, end);
    case "guard_install":
      return yield* guardInstall(k, mm, vma, start, end);
    case "guard_remove":
      return guardRemove(k, mm, vma, start, end);
    case "pt_reclaim":
      return yield* madvisePtReclaim(k, mm, start, end);
    case "collapse":
      return yield* madviseCollapse(k, mm, vma, start, end);
    default:
      return null;
  }
}

/** The advice for every VMA of [start, end). */
export function* adviseRange(k: KernelState, mm: Mm, start: number, end: number, advice: Advice): Path<Errno | null> {
  return yield* walkVmas(mm, start, end, (vma, from, stop) => adviseVma(k, mm, vma, from, stop, advice));
}

/** madvise_behavior_valid(): has this kernel such an advice? */
function adviceValid(k: KernelState, advice: Advice): boolean {
  if (advice === "pt_reclaim") return k.options.features.ask !== null;
  const guards = advice === "guard_install" || advice === "guard_remove";
  return !guards || k.profile.guardAnon || k.profile.guardFile;
}

/** do_madvise() on bytes [addr, addr + len). */
function* doMadvise(k: KernelState, mm: Mm, advice: Advice, addr: number, len: number): Path<Errno | null> {
  if (!adviceValid(k, advice) || !pageAligned(addr)) return "EINVAL";
  const start = pageOf(addr);
  const end = start + pagesFor(len);
  if (start === end) return null;
  switch (advice) {
    case "dontneed":
      return yield* madviseDontneed(k, mm, start, end, false);
    case "dontneed_locked":
      return yield* madviseDontneed(k, mm, start, end, true);
    case "populate_read":
      return yield* madvisePopulate(k, mm, start, end, false);
    case "populate_write":
      return yield* madvisePopulate(k, mm, start, end, true);
    case "hwpoison":
    case "soft_offline":
      throw new EngineError(`madvise ${advice} breaks memory of the whole machine and is not modelled; leave it out`);
    default:
      return yield* adviseRange(k, mm, start, end, advice);
  }
}

/**
 * MADV_COLLAPSE of a trace that failed: what is memory without a file of its own was collapsed where it could be. Files of a
 * file system are not, unless nobody has them open for writing (file_thp_enabled()), which a trace does not tell.
 */
function* collapseAnonymous(k: KernelState, mm: Mm, start: number, end: number): Path<Errno | null> {
  return yield* walkVmas(mm, start, end, function* (vma, from, stop) {
    return vma.file !== null && !vma.file.shmem ? "EINVAL" : yield* madviseCollapse(k, mm, vma, from, stop);
  });
}

/** Advice that process_madvise accepts for another process, and on older kernels for oneself too. */
const REMOTE_ADVICE: ReadonlySet<Advice> = new Set<Advice>(["cold", "pageout", "willneed", "collapse"]);

/** MAX_RW_COUNT: import_ubuf() takes no more than this of a range, in bytes. */
const MAX_RW_COUNT = 2 ** 31 - PAGE_SIZE;

/** process_madvise(2) of one range. */
function* sysProcessMadvise(k: KernelState, mm: Mm, op: MadviseOp, result: OpResult): Path<Errno | null> {
  const len = Math.min(op.len, MAX_RW_COUNT);
  // access_ok(), before anything is asked about the process.
  if (op.addr + len > k.taskPages * PAGE_SIZE) return "EFAULT";
  const target = op.via === undefined || op.via === "self" ? mm : k.processes[op.via];
  if (target === undefined || !target.alive) return "ESRCH";
  const anyAdvice = target === mm && k.profile.processMadviseSelf;
  if (!anyAdvice && !REMOTE_ADVICE.has(op.advice)) return "EINVAL";
  const failed = yield* doMadvise(k, target, op.advice, op.addr, len);
  if (failed === null) result.value = len;
  return failed;
}

/** madvise(2) of a trace that says how it failed (op.answered). */
function* madviseAnswered(k: KernelState, mm: Mm, op: MadviseOp, answered: Errno): Path<Errno | null> {
  if (op.advice === "collapse") {
    const start = pageOf(op.addr);
    const end = start + pagesFor(op.len);
    // EAGAIN: one of the slots was in use at the moment. Where there is one only, nothing was done; of several, which is not known.
    const slots = (pmdStart(end) - pmdStart(start + PMD_PAGES - 1)) / PMD_PAGES;
    return answered === "EAGAIN" && slots <= 1 ? answered : yield* collapseAnonymous(k, mm, start, end);
  }
  if (!wouldFail(k, mm, op, pageOf(op.addr), pagesFor(op.addr + op.len))) return answered;
  return yield* madviseSteps(k, mm, op);
}

/** madvise(2), once or (op.step) in consecutive chunks; the status is then the last failure's. */
function* madviseSteps(k: KernelState, mm: Mm, op: MadviseOp): Path<Errno | null> {
  if (op.step === undefined) return yield* doMadvise(k, mm, op.advice, op.addr, op.len);
  if (!(op.step > 0)) throw new EngineError(`madvise step is ${op.step} bytes; it must be more than 0`);
  let status: Errno | null = null;
  for (let at = op.addr; at < op.addr + op.len; at += op.step) {
    const failed = yield* doMadvise(k, mm, op.advice, at, Math.min(op.step, op.addr + op.len - at));
    if (failed !== null) status = failed;
    endCall(k);
  }
  return status;
}

/** madvise(2) and process_madvise(2). */
export function* sysMadvise(k: KernelState, mm: Mm, op: MadviseOp, result: OpResult): Path<Errno | null> {
  if (op.via !== undefined) return yield* sysProcessMadvise(k, mm, op, result);
  if (op.answered !== undefined) return yield* madviseAnswered(k, mm, op, op.answered);
  return yield* madviseSteps(k, mm, op);
}
