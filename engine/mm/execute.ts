/** From an operation of a workload to the kernel path that does it: the system calls' own checks are here. */

import type { MadviseOp, MmapOp, Operation, Prot } from "../workload/operation.ts";
import type { Errno } from "./errno.ts";
import { EngineError } from "./error.ts";
import { MappedFile } from "./file.ts";
import { PAGE_SIZE } from "./geometry.ts";
import { madviseDontneed } from "./madvise.ts";
import { doBrk, doMunmap, getUnmappedArea, mmapRegion, placementAlign } from "./mmap.ts";
import { rcuTick } from "./rcu.ts";
import type { OpResult } from "./result.ts";
import { drive } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { touchRange } from "./touch.ts";
import {
  VM_EXEC,
  VM_GROWSDOWN,
  VM_HUGETLB,
  VM_LOCKED,
  VM_NORESERVE,
  VM_READ,
  VM_SHARED,
  VM_STACK,
  VM_WRITE,
} from "./vma.ts";

/** Files of a workload are as large as a file can be until they are truncated. */
const FILE_PAGES = 2 ** 51 / PAGE_SIZE;

export function protFlags(prot: Prot): number {
  let flags = 0;
  if (prot.includes("r")) flags |= VM_READ;
  if (prot.includes("w")) flags |= VM_WRITE;
  if (prot.includes("x")) flags |= VM_EXEC;
  return flags;
}

/** The file a workload calls `id`, made when it is first named. */
export function workloadFile(k: KernelState, id: number): MappedFile {
  let file = k.files.get(id);
  if (file === undefined) {
    file = new MappedFile(id, k.options.files === "shmem", FILE_PAGES);
    k.files.set(id, file);
  }
  return file;
}

function processOf(k: KernelState, id: number | undefined): Mm {
  const mm = k.processes[id ?? 0];
  if (mm === undefined) throw new EngineError(`process ${id} was never forked; there are ${k.processes.length}`);
  return mm;
}

/** mmap(2). */
function sysMmap(k: KernelState, mm: Mm, op: MmapOp, result: OpResult): Errno | null {
  const flagNames = op.flags ?? [];
  const anywhere = flagNames.includes("anywhere");
  if (op.len === 0) return "EINVAL";
  const pages = Math.ceil(op.len / PAGE_SIZE);
  if (mm.vmas.count > k.options.maxMapCount) return "ENOMEM";
  if (pages > k.taskPages) return "ENOMEM";
  let start = op.addr / PAGE_SIZE;
  if (anywhere) start = getUnmappedArea(k, mm, pages, op.backing === "anon" ? placementAlign(pages) : 1);
  else if (start > k.taskPages - pages) return "ENOMEM";
  else if (!Number.isInteger(start)) return "EINVAL";
  if (start < 0) return "ENOMEM";
  const end = start + pages;
  if (flagNames.includes("noreplace") && mm.vmas.intersection(start, end) !== undefined) return "EEXIST";
  const offset = op.offset ?? 0;
  if (offset % PAGE_SIZE !== 0) return "EINVAL";
  let flags = protFlags(op.prot);
  if (flagNames.includes("noreserve")) flags |= VM_NORESERVE;
  if (flagNames.includes("locked")) flags |= VM_LOCKED;
  if (flagNames.includes("growsdown")) flags |= VM_GROWSDOWN;
  if (flagNames.includes("stack")) flags |= VM_GROWSDOWN | VM_STACK;
  let file: MappedFile | null = null;
  let pgoff = start;
  switch (op.backing) {
    case "anon":
      break;
    case "shared":
      file = new MappedFile(k.nextAnonFile--, true, pages);
      pgoff = 0;
      flags |= VM_SHARED;
      break;
    case "file":
    case "sharedfile":
      file = workloadFile(k, op.file ?? 0);
      pgoff = offset / PAGE_SIZE;
      if (op.backing === "sharedfile") flags |= VM_SHARED;
      break;
    case "hugetlb":
      if (start % 512 !== 0) return "EINVAL";
      if (Math.ceil(pages / 512) > k.hugetlbFree) return "ENOMEM";
      file = new MappedFile(k.nextAnonFile--, false, pages, true);
      pgoff = 0;
      flags |= VM_HUGETLB;
      break;
  }
  const failed = drive(mmapRegion(k, mm, { start, end, flags, pgoff, file, uffd: null }));
  if (failed !== null) return failed;
  result.value = start * PAGE_SIZE;
  return null;
}

/** The checks of madvise(2) that come before any VMA is looked at. Null: go on; otherwise the outcome. */
function madviseCheck(addr: number, len: number): Errno | "empty" | null {
  if (addr % PAGE_SIZE !== 0) return "EINVAL";
  const pages = Math.ceil(len / PAGE_SIZE);
  if (addr + pages * PAGE_SIZE > 2 ** 53) return "EINVAL";
  return pages === 0 ? "empty" : null;
}

function madvise(k: KernelState, mm: Mm, op: MadviseOp, addr: number, len: number): Errno | null {
  const check = madviseCheck(addr, len);
  if (check !== null) return check === "empty" ? null : check;
  const start = addr / PAGE_SIZE;
  const end = start + Math.ceil(len / PAGE_SIZE);
  switch (op.advice) {
    case "dontneed":
      return drive(madviseDontneed(k, mm, start, end, false));
    case "dontneed_locked":
      return drive(madviseDontneed(k, mm, start, end, true));
    default:
      throw new EngineError(`madvise ${op.advice} is not known to the engine`);
  }
}

function sysMadvise(k: KernelState, mm: Mm, op: MadviseOp): Errno | null {
  if (op.step === undefined) return madvise(k, mm, op, op.addr, op.len);
  if (!(op.step > 0)) throw new EngineError(`madvise step is ${op.step} bytes; it must be more than 0`);
  let status: Errno | null = null;
  for (let at = op.addr; at < op.addr + op.len; at += op.step) {
    const failed = madvise(k, mm, op, at, Math.min(op.step, op.addr + op.len - at));
    if (failed !== null) status = failed;
  }
  return status;
}

/** Runs `op` and fills `result`. */
export function executeOperation(k: KernelState, op: Operation, result: OpResult): void {
  result.status = "ok";
  result.segv = 0;
  result.bus = 0;
  result.value = 0;
  k.timeNs += k.options.cost.syscall;
  let failed: Errno | null = null;
  switch (op.op) {
    case "touch":
      touchRange(k, processOf(k, op.process), op.addr, op.len, op.stride ?? PAGE_SIZE, op.access === "w", result);
      break;
    case "madvise":
      failed = sysMadvise(k, processOf(k, op.process), op);
      break;
    case "mmap":
      failed = sysMmap(k, processOf(k, op.process), op, result);
      break;
    case "munmap":
      failed = drive(doMunmap(k, processOf(k, op.process), op.addr, op.len));
      break;
    case "brk":
      failed = drive(doBrk(k, processOf(k, op.process), Math.ceil(op.addr / PAGE_SIZE), VM_READ | VM_WRITE));
      result.value = processOf(k, op.process).brk * PAGE_SIZE;
      break;
    case "tick":
      k.timeNs += op.ms * 1e6;
      break;
    default:
      throw new EngineError(`operation ${op.op} is not known to the engine`);
  }
  if (failed !== null) result.status = failed;
  rcuTick(k);
}
