// Made from ../madvise.ts by `npm run plain-paths`, which says how: change that file, not this one.

import { wouldFail } from "../answered.ts";
import type { Errno } from "../errno.ts";
import { EngineError } from "../error.ts";
import { zapOf } from "../gather.ts";
import * as geometry from "../geometry.ts";
import { adviseFlags, isFlagAdvice } from "../madvise-flags.ts";
import { madviseCold, madviseFree } from "../madvise-free.ts";
import type { Advice, MadviseOp } from "../operation.ts";
import { endCall } from "../policy-cost.ts";
import type { OpResult } from "../result.ts";
import type { KernelState, Mm } from "../state.ts";
import type { Vma } from "../vma.ts";
import * as vmaFlags from "../vma.ts";
import { VmaWalk } from "../vma-walk.ts";
import { ZAP_DONTNEED } from "../zap-details.ts";
import { madviseCollapse } from "./collapse.ts";
import { madvisePtReclaim } from "./free-pt.ts";
import { guardInstall, guardRemove } from "./guard.ts";
import { madvisePopulate } from "./mlock.ts";
import { tlbFinishMmu, tlbGatherMmu } from "./mmu-gather.ts";
import { punchHole } from "./truncate.ts";
import { unmapPageRange } from "./zap.ts";

const { PAGE_SIZE, PMD_PAGES, pageAligned, pageOf, pagesFor, pmdStart } = geometry;
const { VM_HUGETLB, VM_LOCKED, VM_SHARED } = vmaFlags;
type Visit = (vma: Vma, start: number, end: number) => Errno | null;
function walkVmas(mm: Mm, start: number, end: number, visit: Visit): Errno | null {
  const walk = new VmaWalk().begin(start, end);
  for (let vma = walk.next(mm); vma !== null; vma = walk.next(mm)) {
    const failed = visit(vma, walk.page, walk.stop);
    if (failed !== null) return failed;
  }
  return walk.status;
}

export function madviseDontneed(k: KernelState, mm: Mm, start: number, end: number, locked: boolean): Errno | null {
  const tlb = tlbGatherMmu(k, mm, start, end);
  const walk = (k.spareVmaWalk ?? new VmaWalk()).begin(start, end);
  k.spareVmaWalk = null;
  for (let vma = walk.next(mm); vma !== null; vma = walk.next(mm)) {
    let dontneedValidResult: boolean;
    const start2 = walk.page;
    if ((vma.flags & VM_HUGETLB) !== 0) {
      dontneedValidResult = start2 % PMD_PAGES === 0;
    } else {
      dontneedValidResult = locked || (vma.flags & VM_LOCKED) === 0;
    }
    if (!dontneedValidResult) {
      walk.status = "EINVAL";
      break;
    }
    const stop = (vma.flags & VM_HUGETLB) !== 0 ? pmdStart(walk.stop) : walk.stop;
    unmapPageRange(k, vma, zapOf(tlb, walk.page, stop, ZAP_DONTNEED));
  }
  tlbFinishMmu(k, tlb);
  k.spareVmaWalk = walk;
  return walk.status;
}
function madviseRemove(k: KernelState, vma: Vma, start: number, end: number): Errno | null {
  if ((vma.flags & VM_LOCKED) !== 0 || vma.file === null) return "EINVAL";
  if ((vma.flags & VM_SHARED) === 0) return "EACCES";
  const from = vma.pgoff + (start - vma.start);
  punchHole(k, vma.file, from, from + (end - start));
  return null;
}
function adviseVma(k: KernelState, mm: Mm, vma: Vma, start: number, end: number, advice: Advice): Errno | null {
  if (isFlagAdvice(advice)) return adviseFlags(k, mm, vma, start, end, advice);
  switch (advice) {
    case "free":
      return madviseFree(k, mm, vma, start, end);
    case "cold":
      return madviseCold(k, mm, vma, start, end, false);
    case "pageout":
      return madviseCold(k, mm, vma, start, end, true);
    case "remove":
      return madviseRemove(k, vma, start, end);
    case "guard_install":
      return guardInstall(k, mm, vma, start, end);
    case "guard_remove":
      return guardRemove(k, mm, vma, start, end);
    case "pt_reclaim":
      return madvisePtReclaim(k, mm, start, end);
    case "collapse":
      return madviseCollapse(k, mm, vma, start, end);
    default:
      return null;
  }
}
export function adviseRange(k: KernelState, mm: Mm, start: number, end: number, advice: Advice): Errno | null {
  return walkVmas(mm, start, end, (vma, from, stop) => adviseVma(k, mm, vma, from, stop, advice));
}
function adviceValid(k: KernelState, advice: Advice): boolean {
  if (advice === "pt_reclaim") return k.options.features.ask !== null;
  const guards = advice === "guard_install" || advice === "guard_remove";
  return !guards || k.profile.guardAnon || k.profile.guardFile;
}
function doMadvise(k: KernelState, mm: Mm, advice: Advice, addr: number, len: number): Errno | null {
  if (!adviceValid(k, advice) || !pageAligned(addr)) return "EINVAL";
  const start = pageOf(addr);
  const end = start + pagesFor(len);
  if (start === end) return null;
  switch (advice) {
    case "dontneed":
      return madviseDontneed(k, mm, start, end, false);
    case "dontneed_locked":
      return madviseDontneed(k, mm, start, end, true);
    case "populate_read":
      return madvisePopulate(k, mm, start, end, false);
    case "populate_write":
      return madvisePopulate(k, mm, start, end, true);
    case "hwpoison":
    case "soft_offline":
      throw new EngineError(`madvise ${advice} breaks memory of the whole machine and is not modelled; leave it out`);
    default:
      return adviseRange(k, mm, start, end, advice);
  }
}
function collapseAnonymous(k: KernelState, mm: Mm, start: number, end: number): Errno | null {
  return walkVmas(mm, start, end, (vma, from, stop) =>
    vma.file !== null && !vma.file.shmem ? "EINVAL" : madviseCollapse(k, mm, vma, from, stop),
  );
}
const REMOTE_ADVICE: ReadonlySet<Advice> = new Set<Advice>(["cold", "pageout", "willneed", "collapse"]);
const MAX_RW_COUNT = 2 ** 31 - PAGE_SIZE;
function sysProcessMadvise(k: KernelState, mm: Mm, op: MadviseOp, result: OpResult): Errno | null {
  const len = Math.min(op.len, MAX_RW_COUNT);
  if (op.addr + len > k.taskPages * PAGE_SIZE) return "EFAULT";
  const target = op.via === undefined || op.via === "self" ? mm : k.processes[op.via];
  if (target === undefined || !target.alive) return "ESRCH";
  const anyAdvice = target === mm && k.profile.processMadviseSelf;
  if (!anyAdvice && !REMOTE_ADVICE.has(op.advice)) return "EINVAL";
  const failed = doMadvise(k, target, op.advice, op.addr, len);
  if (failed === null) result.value = len;
  return failed;
}
function madviseAnswered(k: KernelState, mm: Mm, op: MadviseOp, answered: Errno): Errno | null {
  if (op.advice === "collapse") {
    const start = pageOf(op.addr);
    const end = start + pagesFor(op.len);
    const slots = (pmdStart(end) - pmdStart(start + PMD_PAGES - 1)) / PMD_PAGES;
    return answered === "EAGAIN" && slots <= 1 ? answered : collapseAnonymous(k, mm, start, end);
  }
  if (!wouldFail(k, mm, op, pageOf(op.addr), pagesFor(op.addr + op.len))) return answered;
  return madviseSteps(k, mm, op);
}
function madviseSteps(k: KernelState, mm: Mm, op: MadviseOp): Errno | null {
  if (op.step === undefined) return doMadvise(k, mm, op.advice, op.addr, op.len);
  if (!(op.step > 0)) throw new EngineError(`madvise step is ${op.step} bytes; it must be more than 0`);
  let status: Errno | null = null;
  for (let at = op.addr; at < op.addr + op.len; at += op.step) {
    const failed = doMadvise(k, mm, op.advice, at, Math.min(op.step, op.addr + op.len - at));
    if (failed !== null) status = failed;
    endCall(k);
  }
  return status;
}
export function sysMadvise(k: KernelState, mm: Mm, op: MadviseOp, result: OpResult): Errno | null {
  if (op.via !== undefined) return sysProcessMadvise(k, mm, op, result);
  if (op.answered !== undefined) return madviseAnswered(k, mm, op, op.answered);
  return madviseSteps(k, mm, op);
}
