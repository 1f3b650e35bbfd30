/** From an operation of a workload to its kernel path, with the checks of the system call. */

import { wouldFail } from "./answered.ts";
import { khugepagedScan } from "./collapse.ts";
import type { Errno } from "./errno.ts";
import { EngineError } from "./error.ts";
import { MappedFile } from "./file.ts";
import { dupMmap, exitMmap } from "./fork.ts";
import { runDue } from "./free-pt.ts";
import { PAGE_SIZE, PMD_PAGES } from "./geometry.ts";
import { loadImage } from "./image.ts";
import { adviseRange, sysMadvise } from "./madvise.ts";
import { doMlock, doMlockall, doMunlock, mmPopulate } from "./mlock.ts";
import { doBrk, doMunmap, getUnmappedArea, mmapRegion, placementAlign } from "./mmap.ts";
import { doMremap } from "./mremap.ts";
import { mremapUnchecked } from "./mremap-unchecked.ts";
import type {
  MlockOp,
  MmapOp,
  MprotectOp,
  MremapOp,
  MunlockOp,
  Operation,
  Prot,
  SnapshotOp,
  UffdOp,
} from "./operation.ts";
import { endCall } from "./policy-cost.ts";
import { doMprotect } from "./protect.ts";
import { putEmptyTables } from "./pte-ref.ts";
import { rcuTick } from "./rcu.ts";
import type { OpResult } from "./result.ts";
import type { Path } from "./sched.ts";
import { type KernelState, type Mm, NO_TABLES_LEAST } from "./state.ts";
import { swapInRange, swapOutRange } from "./swap.ts";
import { touchRange } from "./touch.ts";
import { punchHole, truncateFile } from "./truncate.ts";
import { uffdMove } from "./uffd-move.ts";
import { uffdAvailable, uffdRegister, uffdUnregister, uffdWriteprotect } from "./userfaultfd.ts";
import {
  VM_EXEC,
  VM_GROWSDOWN,
  VM_HUGETLB,
  VM_LOCKED,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
} from "./vma.ts";

/** Files of a workload are as large as a file can be until they are truncated. */
const FILE_PAGES = 2 ** 51 / PAGE_SIZE;

function protFlags(prot: Prot): number {
  let flags = 0;
  if (prot.includes("r")) flags |= VM_READ;
  if (prot.includes("w")) flags |= VM_WRITE;
  if (prot.includes("x")) flags |= VM_EXEC;
  return flags;
}

/** The file a workload calls `id`, made when it is first named. */
function workloadFile(k: KernelState, id: number, shmem = false): MappedFile {
  let file = k.files.get(id);
  if (file === undefined) {
    file = new MappedFile(id, shmem || k.options.files === "shmem", FILE_PAGES);
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
function* sysMmap(k: KernelState, mm: Mm, op: MmapOp, result: OpResult): Path<Errno | null> {
  const flagNames = op.flags ?? [];
  const anywhere = flagNames.includes("anywhere");
  if (op.len === 0) return "EINVAL";
  // ksys_mmap_pgoff() makes hugetlb mappings whole huge pages long.
  const unit = op.backing === "hugetlb" ? PMD_PAGES : 1;
  const pages = Math.ceil(op.len / PAGE_SIZE / unit) * unit;
  if (mm.vmas.count > k.profile.maxMapCount) return "ENOMEM";
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
  let flags = protFlags(op.prot) | mm.defFlags;
  if (flagNames.includes("noreserve") && k.profile.overcommit !== "strict") flags |= VM_NORESERVE;
  if (flagNames.includes("locked")) flags |= VM_LOCKED;
  if (flagNames.includes("growsdown")) flags |= VM_GROWSDOWN;
  // calc_vm_flag_bits(): all that MAP_STACK asks for is no huge pages.
  if (flagNames.includes("stack") && k.profile.stackNoHugePages) flags |= VM_NOHUGEPAGE;
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
      file = workloadFile(k, op.file ?? 0, op.shmem === true);
      pgoff = offset / PAGE_SIZE;
      if (op.backing === "sharedfile") flags |= VM_SHARED;
      break;
    case "hugetlb":
      if (start % PMD_PAGES !== 0) return "EINVAL";
      if (pages / PMD_PAGES > k.hugetlbFree) return "ENOMEM";
      file = new MappedFile(k.nextAnonFile--, false, pages, true);
      pgoff = 0;
      flags |= VM_HUGETLB;
      break;
  }
  // do_mmap(): only private anonymous memory grows. (A hugetlb mapping is one of a file, too.)
  if (file !== null && (flags & VM_GROWSDOWN) !== 0) return "EINVAL";
  const failed = yield* mmapRegion(k, mm, { start, end, flags, pgoff, file, uffd: null });
  if (failed !== null) return failed;
  result.value = start * PAGE_SIZE;
  if (flagNames.includes("populate") || (flags & VM_LOCKED) !== 0) yield* mmPopulate(k, mm, start, end);
  for (const advice of ["hugepage", "nohugepage"] as const) {
    if (!flagNames.includes(advice)) continue;
    const refused = yield* adviseRange(k, mm, start, end, advice);
    if (refused !== null) return refused;
  }
  return null;
}

/** The page range of a system call that wants an aligned start and rounds the length up; null where it does not have one. */
function pageRange(op: { addr: number; len: number }): { start: number; end: number } | null {
  if (op.addr % PAGE_SIZE !== 0) return null;
  const start = op.addr / PAGE_SIZE;
  return { start, end: start + Math.ceil(op.len / PAGE_SIZE) };
}

function* sysMprotect(k: KernelState, mm: Mm, op: MprotectOp): Path<Errno | null> {
  const range = pageRange(op);
  if (range === null) return "EINVAL";
  if (range.start === range.end) return null;
  if (op.answered !== undefined && !wouldFail(k, mm, op, range.start, range.end)) return op.answered;
  return yield* doMprotect(k, mm, range.start, range.end, protFlags(op.prot));
}

/** mlock and munlock round the start down instead. */
function* sysMlock(
  k: KernelState,
  mm: Mm,
  op: MlockOp | MunlockOp,
  mode: "lock" | "onfault" | "unlock",
): Path<Errno | null> {
  const start = Math.floor(op.addr / PAGE_SIZE);
  const end = Math.ceil((op.addr + op.len) / PAGE_SIZE);
  if (start === end) return null;
  if (op.op === "mlock" && op.answered !== undefined && !wouldFail(k, mm, op, start, end)) return op.answered;
  return mode === "unlock" ? doMunlock(k, mm, start, end) : yield* doMlock(k, mm, start, end, mode === "onfault");
}

function* sysMremap(k: KernelState, mm: Mm, op: MremapOp, result: OpResult): Path<Errno | null> {
  if (op.addr % PAGE_SIZE !== 0 || (op.to !== undefined && op.to % PAGE_SIZE !== 0)) return "EINVAL";
  const request = {
    addr: op.addr / PAGE_SIZE,
    oldPages: Math.ceil(op.len / PAGE_SIZE),
    newPages: Math.ceil((op.newLen ?? op.len) / PAGE_SIZE),
    to: op.to === undefined ? -1 : op.to / PAGE_SIZE,
    dontUnmap: op.dontUnmap === true,
    mayMove: op.mayMove === true || op.dontUnmap === true,
  };
  const mremap = k.profile.mremapChecksFirst ? doMremap : mremapUnchecked;
  const failed = yield* mremap(k, mm, request, (pages) => getUnmappedArea(k, mm, pages, 1));
  if (failed === null) result.value = request.to * PAGE_SIZE;
  return failed;
}

/** Scripts and workloads ask a userfaultfd that they have; where there can be none, that is ENOSYS. */
function* sysUffd(k: KernelState, mm: Mm, op: UffdOp): Path<Errno | null> {
  if (!uffdAvailable(k, mm)) return "ENOSYS";
  const range = pageRange(op);
  if (range === null || op.len % PAGE_SIZE !== 0 || op.len === 0 || range.end > k.taskPages) return "EINVAL";
  const { start, end } = range;
  switch (op.action) {
    case "register":
      return uffdRegister(k, mm, start, end);
    case "unregister":
      return yield* uffdUnregister(k, mm, start, end);
    case "wp":
      return yield* uffdWriteprotect(k, mm, start, end, true);
    case "unwp":
      return yield* uffdWriteprotect(k, mm, start, end, false);
    case "move":
      if (!k.profile.uffdMove) return "EINVAL";
      if (op.from === undefined || op.from % PAGE_SIZE !== 0) return "EINVAL";
      return yield* uffdMove(k, mm, start, op.from / PAGE_SIZE, end - start);
  }
}

/** exit(2), or a signal: without a process the last child that lives. */
function* sysExit(k: KernelState, process: number | undefined): Path<Errno | null> {
  let mm: Mm | undefined;
  if (process !== undefined) mm = processOf(k, process);
  else mm = k.processes.findLast((candidate) => candidate.alive && candidate.id !== 0);
  if (mm === undefined || !mm.alive) return "ESRCH";
  yield* exitMmap(k, mm);
  mm.alive = false;
  return null;
}

/** A mapping as it was found: made writable, its pages used and its empty tables emptied, then what it was. */
function* foundMapping(k: KernelState, op: SnapshotOp, result: OpResult): Path<Errno | null> {
  const { addr, len, prot, backing, pages, empty, released = [], process } = op;
  const own = process === undefined ? {} : { process };
  const isFile = backing === "file" || backing === "sharedfile";
  const access = isFile && !prot.includes("w") ? "r" : "w";
  const usable = prot.includes(access) ? prot : access === "r" ? "r" : "rw";
  const unused = pages.length + empty.length + released.length === 0;
  if (op.more !== true) {
    const { flags, file, offset, shmem } = op;
    const made = {
      ...own,
      ...(flags === undefined ? {} : { flags }),
      ...(file === undefined ? {} : { file }),
      ...(offset === undefined ? {} : { offset }),
      ...(shmem === undefined ? {} : { shmem }),
    };
    const first = unused ? prot : usable;
    const failed = yield* dispatch(k, { op: "mmap", addr, len, prot: first, backing, ...made }, result);
    if (failed !== null) return failed;
  }
  if (unused) return null;
  if (op.more === true && prot !== usable)
    yield* dispatch(k, { op: "mprotect", addr, len, prot: usable, ...own }, result);
  for (let i = 0; i + 1 < pages.length; i += 2) {
    const range = { addr: addr + pages[i] * PAGE_SIZE, len: pages[i + 1] * PAGE_SIZE };
    yield* dispatch(k, { op: "touch", ...range, access, ...own }, result);
  }
  const base = addr / PAGE_SIZE;
  for (const [runs, whole] of [
    [empty, false],
    [released, true],
  ] as const)
    for (let i = 0; i + 1 < runs.length; i += 2) {
      const end = runs[i] + runs[i + 1];
      for (let page = runs[i]; page < end; ) {
        const next = Math.min(end, page + PMD_PAGES - ((base + page) % PMD_PAGES));
        const at = addr + page * PAGE_SIZE;
        yield* dispatch(k, { op: "touch", addr: at, len: PAGE_SIZE, access, ...own }, result);
        const gone = whole ? (next - page) * PAGE_SIZE : PAGE_SIZE;
        const { declinedBelowPmd } = k.stats;
        yield* dispatch(k, { op: "madvise", addr: at, len: gone, advice: "dontneed", ...own }, result);
        // It was empty when it was found: that was no release of the program.
        k.stats.declinedBelowPmd = declinedBelowPmd;
        page = next;
      }
    }
  if (prot !== usable) yield* dispatch(k, { op: "mprotect", addr, len, prot, ...own }, result);
  return null;
}

/** Time passes: grace periods end, and khugepaged, where it runs, has been round. */
function* tick(k: KernelState, ms: number): Path<void> {
  if (!(ms >= 0)) throw new EngineError(`tick of ${ms} ms; it must be 0 or more`);
  k.timeNs += ms * 1e6;
  if (k.profile.khugepaged) yield* khugepagedScan(k);
}

/** Runs `op` and fills `result`. */
export function* executeOperation(k: KernelState, op: Operation, result: OpResult): Path<void> {
  result.status = "ok";
  result.segv = 0;
  result.bus = 0;
  result.value = 0;
  k.leastTables = NO_TABLES_LEAST;
  // A program's own clock goes on while it asks nothing of the kernel.
  if (op.at !== undefined && op.at > k.timeNs) k.timeNs = op.at;
  k.timeNs += k.options.cost.syscall;
  k.payer = op.op === "touch" ? "fault" : "call";
  const failed = yield* dispatch(k, op, result);
  if (failed !== null) result.status = failed;
  if (k.tables.emptied !== null) yield* putEmptyTables(k, false);
  endCall(k);
  if (k.timeNs >= k.dueNs) yield* runDue(k);
  rcuTick(k);
}

function* dispatch(k: KernelState, op: Operation, result: OpResult): Path<Errno | null> {
  switch (op.op) {
    case "touch": {
      const stride = op.stride ?? PAGE_SIZE;
      if (!(stride > 0)) throw new EngineError(`touch stride is ${stride} bytes; it must be more than 0`);
      yield* touchRange(k, processOf(k, op.process), op.addr, op.len, stride, op.access === "w", result);
      return null;
    }
    case "madvise":
      return yield* sysMadvise(k, processOf(k, op.process), op, result);
    case "mmap":
      return yield* sysMmap(k, processOf(k, op.process), op, result);
    case "munmap":
      return yield* doMunmap(k, processOf(k, op.process), op.addr, op.len);
    case "mprotect":
      return yield* sysMprotect(k, processOf(k, op.process), op);
    case "mremap":
      return yield* sysMremap(k, processOf(k, op.process), op, result);
    case "mlock":
      return yield* sysMlock(k, processOf(k, op.process), op, op.onFault === true ? "onfault" : "lock");
    case "munlock":
      return yield* sysMlock(k, processOf(k, op.process), op, "unlock");
    case "mlockall":
      yield* doMlockall(k, processOf(k, op.process), op.current === true, op.future === true, op.onFault === true);
      return null;
    case "brk": {
      const mm = processOf(k, op.process);
      const old = mm.brk;
      const failed = yield* doBrk(k, mm, Math.ceil(op.addr / PAGE_SIZE), VM_READ | VM_WRITE | mm.defFlags);
      if (failed === null && (mm.defFlags & VM_LOCKED) !== 0 && old >= 0 && mm.brk > old)
        yield* mmPopulate(k, mm, old, mm.brk);
      result.value = mm.brk * PAGE_SIZE;
      return failed;
    }
    case "fork":
      result.value = (yield* dupMmap(k, processOf(k, op.process))).id;
      return null;
    case "exit":
      return yield* sysExit(k, op.process);
    case "exec": {
      const mm = op.process === k.processes.length ? k.newMm() : processOf(k, op.process);
      yield* exitMmap(k, mm);
      if (op.image === true) yield* loadImage(k, mm);
      return null;
    }
    case "snapshot":
      return yield* foundMapping(k, op, result);
    case "uffd":
      return yield* sysUffd(k, processOf(k, op.process), op);
    case "uffdmode":
      processOf(k, op.process).uffdMode = op.mode;
      return null;
    case "punch": {
      if (op.len <= 0) return "EINVAL";
      const from = Math.ceil(op.addr / PAGE_SIZE);
      yield* punchHole(k, workloadFile(k, op.file ?? 0), from, Math.floor((op.addr + op.len) / PAGE_SIZE));
      return null;
    }
    case "truncate":
      yield* truncateFile(k, workloadFile(k, op.file ?? 0), Math.ceil(op.size / PAGE_SIZE));
      return null;
    case "swapout":
    case "swapin": {
      const mm = processOf(k, op.process);
      const start = Math.floor(op.addr / PAGE_SIZE);
      const end = Math.ceil((op.addr + op.len) / PAGE_SIZE);
      if (op.op === "swapout") swapOutRange(k, mm, start, end);
      else yield* swapInRange(k, mm, start, end);
      return null;
    }
    case "tick":
      yield* tick(k, op.ms);
      return null;
  }
}
