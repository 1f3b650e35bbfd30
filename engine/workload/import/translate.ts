/**
 * From the events of a trace to the operations of one process, by the rules that explained every sample of real traces:
 * calls take effect at their end with the value they returned, failures are ignored (a madvise that gave ENOMEM acted),
 * an exec starts an empty address space whose mappings are the MMAP2 records up to the end of execve, and a fault is one
 * access at its entry.
 */
import type { Operation, TouchOp } from "../operation.ts";
import {
  ADDRESS_END,
  ADVICE,
  backingOf,
  CLONE_VM,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  MLOCK_ONFAULT,
  MREMAP_DONTUNMAP,
  mmapFlagsOf,
  PAGE,
  protOf,
} from "./abi.ts";
import { AddressMap } from "./address-map.ts";
import type { CallUnderWay, Mapping } from "./call-under-way.ts";
import type { TraceEvent } from "./event.ts";
import { noteIoctl, notePrctl, noteProcessMadvise } from "./hidden-calls.ts";
import type { ImportReport } from "./report.ts";
import { StackGrowth } from "./stack-growth.ts";
import type { TraceSink, TranslateOptions } from "./trace-sink.ts";

const EAGAIN = -11;
const ENOMEM = -12;
const EFAULT = -14;
const EINVAL = -22;
const SLOT = 2 ** 21;
/** An access further below the stack than this is no stack growth. */
const STACK_GROWTH_MAX = 2 ** 30;
/** Tasks and files remembered at most; a trace with more is damaged or hostile. */
const TASKS_MAX = 1 << 18;
const FILES_MAX = 1 << 16;
const EXEC_FAULTS_MAX = 1000;
const FOUND_MAX = 1000;
/** More than this is not taken as used because it may be accessed: reservations of address space are that large. */
const ASSUMED_MAX = 2 ** 34;
/** No call that succeeded populated more than this. */
const POPULATED_MAX = 2 ** 42;

function roundUp(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}

/** mprotect, mlock and munlock act on the VMAs before the one that they answer ENOMEM for; mlock on that one too. */
const mayHaveActed = (ret: number): boolean => ret === 0 || ret === ENOMEM;
const answered = (ret: number): { answered?: "ENOMEM" } => (ret === ENOMEM ? { answered: "ENOMEM" } : {});

/** Files that are surely in memory by the names that the kernel gives them: of memfd_create, shmat, shm_open, shared anonymous memory. */
function inMemory(name: string): { shmem?: true } {
  return /^\/(memfd:|SYSV[0-9a-f]{8}|dev\/shm\/|dev\/zero \(deleted\))/.test(name) ? { shmem: true } : {};
}

function validRange(addr: number, len: number): boolean {
  return addr >= 0 && len >= 0 && addr + len <= ADDRESS_END;
}

export class Translator {
  readonly #sink: TraceSink;
  readonly #report: ImportReport;
  /** The process that is followed now, and those that come after it, each by a fork of the one before. */
  #pid: number;
  readonly #next: number[];
  /** How many forks were followed: the number of the process in the operations. */
  #process = 0;
  readonly #touchOnMap: boolean;
  /** Processes that run in another's address space: vfork children until they exec. */
  readonly #sharing = new Map<number, number>();
  readonly #calls = new Map<number, CallUnderWay>();
  readonly #files = new Map<string, number>();
  readonly #map = new AddressMap();
  /** The thread that is inside execve, after the new address space began; 0: none. */
  #loading = 0;
  /** Mappings are known: an exec with its MMAP2 records was seen. */
  #imageKnown = false;
  #started = false;
  /** It has done something itself: MMAP2 records no longer describe what was there before the trace. */
  #acted = false;
  #heapStart = -1;
  #heapEnd = -1;
  /** Accesses inside execve to what was not mapped before it: they are the new program's, where it succeeds. */
  #execFaults: TouchOp[] = [];
  /** Mappings that the kernel made and knows the length of: segments of shmat, rings of io_setup. By address. */
  readonly #attached = new Map<number, number>();
  /** Of those, the ones whose end is not in the trace: start and end. */
  readonly #found = new Map<number, number>();
  #ended = false;
  readonly #growth = new StackGrowth();

  constructor(sink: TraceSink, report: ImportReport, options: TranslateOptions) {
    this.#sink = sink;
    this.#report = report;
    const [first, ...next] = [...(options.ancestors ?? []), options.pid];
    this.#pid = first;
    this.#next = next;
    this.#touchOnMap = options.touchOnMap ?? false;
  }

  /** Takes the next event of the trace. */
  take(event: TraceEvent): void {
    if (event.kind === "lost") {
      this.#report.problem("lost", event.line, `${event.ret} events lost`, Math.max(1, event.ret || 1));
      return;
    }
    if (event.pid !== this.#pid && this.#sharing.get(event.pid) !== this.#pid) {
      if (event.kind === "fault" || event.kind === "enter")
        this.#report.problem("other_process", event.line, `pid ${event.pid}`);
      return;
    }
    if (this.#ended) return;
    if (event.kind !== "mmap2" && event.kind !== "comm") {
      this.#acted = true;
      const refused = this.#growth.refusedBefore(event.tid);
      if (refused) this.#outside(refused.line, refused.address);
      this.#sink.seen?.(event.tid, event.timeNs);
    }
    switch (event.kind) {
      case "fault":
        this.#fault(event);
        break;
      case "enter":
        this.#enter(event);
        break;
      case "exit":
        this.#exit(event);
        break;
      case "mmap2":
        this.#mmap2(event);
        break;
      case "comm":
        if (event.exec) this.#exec(event);
        break;
      case "fork":
        this.#forked(event);
        break;
      case "task-exit":
        this.#drop(event.childTid, event.timeNs);
        this.#sharing.delete(event.childPid);
        break;
    }
  }

  /** Call it after the last event: what is still under way is reported. */
  finish(): void {
    for (const [tid, { call, line }] of this.#calls) {
      if (call !== "exit_group" && call !== "exit")
        this.#report.problem("unmatched_enter", line, `${call} of thread ${tid}`);
    }
    this.#calls.clear();
  }

  /** A thread is gone, and the call that it was in. */
  #drop(tid: number, timeNs: number): void {
    if (this.#calls.delete(tid)) this.#sink.ended?.(tid, timeNs);
  }

  #emit(operation: Operation, event: TraceEvent, fault = false): void {
    if (!this.#started) {
      // Whatever comes first, the process begins with nothing: what a trace does not show is not made up.
      this.#started = true;
      if (operation.op !== "exec") this.#sink.operation({ op: "exec" }, event.tid, event.timeNs, false);
    }
    const own = this.#process > 0 ? { ...operation, process: this.#process } : operation;
    this.#sink.operation(own, event.tid, event.timeNs, fault);
  }

  #badNumber(event: TraceEvent, line = event.line): void {
    this.#report.problem("bad_number", line, `${event.call} of thread ${event.tid}`);
  }

  #fault(event: TraceEvent): void {
    const { address } = event;
    if (Number.isNaN(address)) {
      this.#report.problem("bad_number", event.line, "page fault");
      return;
    }
    if (address < 0 || address >= ADDRESS_END) {
      // No user address at all: the program got a signal.
      this.#report.problem(
        "outside_mapping",
        event.line,
        `address 0x${BigInt.asUintN(64, BigInt(address)).toString(16)}`,
      );
      return;
    }
    const addr = address - (address % PAGE);
    const touch: TouchOp = { op: "touch", addr, len: PAGE, access: event.write ? "w" : "r" };
    const mapped = this.#map.has(address);
    if (!mapped && this.#loading === 0 && this.#isInExec(event.tid) && this.#execFaults.length < EXEC_FAULTS_MAX) {
      this.#execFaults.push(touch);
      return;
    }
    if (!mapped && this.#map.grows(address, STACK_GROWTH_MAX) && this.#growth.waits(event, touch)) return;
    if (mapped || this.#explainOutside(event)) this.#emit(touch, event, true);
  }

  /** A fault outside every mapping: stack growth, or a mapping that the trace does not show. False: neither. */
  #explainOutside(event: TraceEvent): boolean {
    const { address } = event;
    if (this.#map.grow(address, STACK_GROWTH_MAX)) return true;
    if (this.#imageKnown) {
      this.#outside(event.line, address);
      return false;
    }
    const { below, above } = this.#map.gapAround(address);
    const slot = address - (address % SLOT);
    const addr = Math.max(below, slot);
    const len = Math.min(above, slot + SLOT) - addr;
    this.#report.problem("assumed_mapping", event.line, `address 0x${address.toString(16)}`);
    this.#emit(
      { op: "mmap", addr, len, prot: "rwx", backing: "file", file: this.#fileNumber("assumed"), offset: addr },
      event,
    );
    this.#map.add(addr, addr + len);
    return true;
  }

  #outside(line: number, address: number): void {
    this.#report.problem("outside_mapping", line, `address 0x${address.toString(16)}`);
  }

  #isInExec(tid: number): boolean {
    const call = this.#calls.get(tid)?.call;
    return call === "execve" || call === "execveat";
  }

  /** An execve succeeded in a trace that has no record of the exec itself (tracefs without sched_process_exec). */
  #execWithoutRecord(event: TraceEvent): void {
    const touches = this.#execFaults;
    this.#exec(event);
    this.#loading = 0;
    for (const touch of touches) {
      event.address = touch.addr;
      if (this.#map.has(touch.addr) || this.#explainOutside(event)) this.#emit(touch, event);
    }
  }

  #fileNumber(key: string): number {
    let number = this.#files.get(key);
    if (number === undefined) {
      number = this.#files.size + 1;
      if (this.#files.size < FILES_MAX) this.#files.set(key, number);
    }
    return number;
  }

  #exec(event: TraceEvent): void {
    this.#sharing.delete(event.pid);
    if (event.pid !== this.#pid) {
      this.#drop(event.tid, event.timeNs);
      return;
    }
    this.#map.clear();
    this.#attached.clear();
    this.#found.clear();
    this.#calls.clear();
    this.#loading = event.tid;
    this.#imageKnown = false;
    this.#heapStart = -1;
    this.#execFaults = [];
    this.#emit({ op: "exec" }, event);
  }

  #mmap2(event: TraceEvent): void {
    const { address, length } = event;
    if (!validRange(address, length) || length === 0) {
      this.#report.problem("bad_number", event.line, "PERF_RECORD_MMAP2");
      return;
    }
    if (this.#loading === 0 && this.#acted) {
      const grew = this.#growth.recorded(event);
      if (grew) {
        if (this.#map.grow(grew.addr, STACK_GROWTH_MAX)) this.#emit(grew, event, true);
        return;
      }
      const under = this.#calls.get(event.tid);
      if (!under) this.#foundMapping(event);
      else if (under.mapping === null) {
        const { prot, shared, pgoff, name, fileKey } = event;
        under.mapping = { address, length, prot, shared, pgoff, name, fileKey };
      }
      return;
    }
    this.#imageKnown = true;
    if (event.name === "[stack]") {
      const prot = protOf(event.prot);
      this.#emit({ op: "mmap", addr: address, len: length, prot, backing: "anon", flags: ["growsdown"] }, event);
      this.#map.addGrowing(address, address + length);
      // The kernel has copied argv and the environment to the top of the stack, without a fault.
      this.#emit({ op: "touch", addr: address + length - PAGE, len: PAGE, access: "w" }, event);
      return;
    }
    this.#mapRecorded(event, event);
  }

  /**
   * A mapping that no call of the trace made. Where all of it is known it is the stack, grown, or an mprotect whose call was
   * lost; else a call made it that the trace does not have (shmat, io_setup).
   */
  #foundMapping(event: TraceEvent): void {
    const { address, length } = event;
    const end = address + length;
    if (!this.#imageKnown || this.#map.covers(address, end)) return;
    if (this.#map.has(end - PAGE) && this.#map.grow(address, STACK_GROWTH_MAX)) return;
    this.#settle(address, end, event);
    this.#report.problem("found_mapping", event.line, `0x${address.toString(16)}, ${event.name || "no name"}`);
    this.#mapRecorded(event, event);
    this.#attach(address, length);
    if (this.#found.size >= FOUND_MAX) return;
    this.#found.set(address, end);
    this.#sink.unsure?.(address, end);
  }

  /** Found mappings whose place is taken by another have ended before, as a whole. */
  #endFound(start: number, end: number, event: TraceEvent): void {
    for (const [from, to] of this.#found) {
      if (from >= end || to <= start) continue;
      this.#found.delete(from);
      this.#detach(from, event);
    }
  }

  #mapRecorded(mapping: Mapping, event: TraceEvent, populated = false): void {
    const { address, length, shared, pgoff, name } = mapping;
    const prot = protOf(mapping.prot);
    const flags = populated ? { flags: ["populate"] as const } : {};
    if (name === "//anon" || name === "[heap]" || name === "") {
      this.#emit(
        { op: "mmap", addr: address, len: length, prot, backing: shared ? "shared" : "anon", ...flags },
        event,
      );
    } else {
      const file = this.#fileNumber(name.startsWith("[") ? name : mapping.fileKey);
      const offset = pgoff >= 0 && pgoff <= ADDRESS_END ? pgoff : 0;
      const backing = shared ? "sharedfile" : "file";
      const where = { file, offset, ...inMemory(name) };
      this.#emit({ op: "mmap", addr: address, len: length, prot, backing, ...flags, ...where }, event);
    }
    this.#map.add(address, address + length);
  }

  #attach(address: number, length: number): void {
    if (this.#attached.size < TASKS_MAX) this.#attached.set(address, length);
  }

  #forked(event: TraceEvent): void {
    const { childPid } = event;
    if (childPid === event.pid) return;
    if (childPid === this.#next[0]) {
      this.#followFork(event);
      return;
    }
    if (this.#sharing.size >= TASKS_MAX) return;
    const under = this.#calls.get(event.tid);
    if (!under) return;
    // clone3's arguments are behind a pointer; what makes processes with it shares the address space (posix_spawn).
    const shares =
      under.call === "vfork" || under.call === "clone3" || (under.call === "clone" && (under.args[0] & CLONE_VM) !== 0);
    if (!shares) return;
    this.#sharing.set(childPid, this.#pid);
    under.sharing.push(childPid);
  }

  /**
   * clone3's flags are behind a pointer. Where its child has neither executed a program nor ended when it returns, the parent
   * did not wait for it: it is a fork, not a posix_spawn, and what it does from here on is its own.
   */
  #endSharing(under: CallUnderWay): void {
    if (under.call !== "clone3") return;
    for (const pid of under.sharing) this.#sharing.delete(pid);
  }

  /** The process that is wanted (or its ancestor) is made: from here on its copy of the address space is followed. */
  #followFork(event: TraceEvent): void {
    this.#emit({ op: "fork" }, event);
    this.#process++;
    this.#pid = event.childPid;
    this.#next.shift();
    this.#calls.clear();
    this.#sharing.clear();
  }

  #enter(event: TraceEvent): void {
    const { call, tid } = event;
    if (call === "execve" || call === "execveat") this.#execFaults = [];
    const before = this.#calls.get(tid);
    if (before) this.#report.problem("unmatched_enter", before.line, `${before.call} of thread ${tid}`);
    if (call === "ioctl") {
      noteIoctl(event, this.#report);
      return;
    }
    if (this.#calls.size >= TASKS_MAX) return;
    const { args, line } = event;
    this.#calls.set(tid, { call, args: [...args], line, applied: false, mapping: null, sharing: [] });
    this.#sink.began?.(tid, event.timeNs, call);
    if (call === "exit_group" && event.pid === this.#pid) this.#ended = true;
  }

  #exit(event: TraceEvent): void {
    const { call, tid } = event;
    const under = this.#calls.get(tid);
    this.#calls.delete(tid);
    if (under) this.#endSharing(under);
    if (call === "execve" || call === "execveat") {
      if (event.ret === 0 && this.#loading === tid) this.#loading = 0;
      else if (event.ret === 0 && under !== undefined && event.pid === this.#pid) this.#execWithoutRecord(event);
    } else if (call === "brk") {
      this.#brk(event);
    } else if (!under || under.call !== call) {
      // A new thread returns from the clone that made it.
      const child = event.ret === 0 && (call === "clone" || call === "clone3" || call === "fork" || call === "vfork");
      if (!child && call !== "ioctl") this.#report.problem("unmatched_exit", event.line, `${call} of thread ${tid}`);
    } else {
      this.#apply(under, event);
    }
    this.#sink.ended?.(tid, event.timeNs);
  }

  #apply(under: CallUnderWay, event: TraceEvent): void {
    const { args } = under;
    const { ret } = event;
    switch (under.call) {
      case "mmap":
        if (!(ret < 0)) this.#mmap(under, event);
        return;
      case "munmap":
        if (ret === 0 && !under.applied) this.#munmap(under, event);
        return;
      case "mremap":
        if (!(ret < 0)) this.#mremap(under, event);
        return;
      case "mprotect":
      case "pkey_mprotect":
        if (mayHaveActed(ret) && this.#checked(under, event)) {
          const [addr, len, prot] = args;
          this.#emit({ op: "mprotect", addr, len, prot: protOf(prot), ...answered(ret) }, event);
          if (ret === 0 && this.#touchOnMap && args[2] & 3) this.#touchAll(args[0], args[1], args[2], event);
        }
        return;
      case "madvise":
        this.#madvise(under, event);
        return;
      case "mlock":
      case "mlock2":
        if (mayHaveActed(ret) && this.#checked(under, event)) {
          const onFault = under.call === "mlock2" && (args[2] & MLOCK_ONFAULT) !== 0;
          this.#emit(
            { op: "mlock", addr: args[0], len: args[1], ...(onFault ? { onFault } : {}), ...answered(ret) },
            event,
          );
        }
        return;
      case "munlock":
        if (mayHaveActed(ret) && this.#checked(under, event))
          this.#emit({ op: "munlock", addr: args[0], len: args[1] }, event);
        return;
      case "mlockall":
      case "munlockall":
        if (ret === 0) this.#mlockall(under, event);
        return;
      case "remap_file_pages":
        if (ret === 0) this.#remapFilePages(under, event);
        return;
      case "shmat":
        if (!(ret < 0)) this.#attachFile(under, event, "shared memory of a length that the trace does not show");
        return;
      case "io_setup":
        if (ret === 0) this.#attachFile(under, event, "a ring of a length that the trace does not show");
        return;
      case "shmdt":
      case "io_destroy":
        if (ret === 0) this.#detach(args[0], event);
        return;
      case "process_madvise":
        if (ret > 0) noteProcessMadvise(under, event, this.#report, this.#sink);
        return;
      case "userfaultfd":
        if (!(ret < 0)) this.#report.problem("hidden_ranges", under.line, "userfaultfd");
        return;
      case "prctl":
        if (ret === 0) notePrctl(under, this.#report);
        return;
      default:
        return;
    }
  }

  /** Are the first two arguments a range of user addresses? Reports it where not. */
  #checked(under: CallUnderWay, event: TraceEvent): boolean {
    const [addr, len] = under.args;
    const locks = under.call === "mlock" || under.call === "mlock2";
    if (validRange(addr, len) && !(locks && len > POPULATED_MAX)) return true;
    this.#badNumber(event, under.line);
    return false;
  }

  #mmap(under: CallUnderWay, event: TraceEvent): void {
    const [, len, protBits, flagBits, fd, offset] = under.args;
    const addr = event.ret;
    // The kernel answers with a page's address; anything else is damage.
    if (!validRange(addr, len) || addr % PAGE !== 0 || len === 0 || Number.isNaN(protBits + flagBits)) {
      this.#badNumber(event, under.line);
      return;
    }
    const end = addr + roundUp(len);
    if ((flagBits & (MAP_FIXED | MAP_FIXED_NOREPLACE)) === 0) this.#settle(addr, end, event);
    const populated = (flagBits & (MAP_POPULATE | MAP_LOCKED)) !== 0;
    if (populated && len > POPULATED_MAX) {
      this.#badNumber(event, under.line);
      return;
    }
    const flags = mmapFlagsOf(flagBits);
    const backing = backingOf(flagBits);
    const file =
      flagBits & MAP_ANONYMOUS
        ? {}
        : {
            file: this.#fileNumber(under.mapping?.fileKey || `fd ${fd}`),
            offset: offset >= 0 && offset <= ADDRESS_END ? offset : 0,
            ...inMemory(under.mapping?.name ?? ""),
          };
    const withFlags = flags.length > 0 ? { flags } : {};
    this.#emit({ op: "mmap", addr, len, prot: protOf(protBits), backing, ...withFlags, ...file }, event);
    if (flagBits & MAP_GROWSDOWN) this.#map.addGrowing(addr, end);
    else this.#map.add(addr, end);
    if (this.#touchOnMap && backing === "anon" && protBits & 3 && !(flagBits & MAP_NORESERVE)) {
      this.#touchAll(addr, len, protBits, event);
    }
  }

  #touchAll(addr: number, len: number, protBits: number, event: TraceEvent): void {
    if (len > ASSUMED_MAX) {
      this.#report.problem("not_touched", event.line, `${event.call} of ${len} bytes`);
      return;
    }
    this.#emit({ op: "touch", addr, len, access: protBits & 2 ? "w" : "r" }, event);
  }

  /** The kernel found room here: what another thread is unmapping there must be gone already. */
  #settle(start: number, end: number, event: TraceEvent): void {
    if (this.#found.size > 0) this.#endFound(start, end, event);
    if (this.#calls.size === 0) return;
    for (const other of this.#calls.values()) {
      const [addr, len] = other.args;
      if (other.call !== "munmap" || other.applied || !(addr < end && addr + len > start)) continue;
      other.applied = true;
      this.#munmap(other, event);
    }
  }

  #munmap(under: CallUnderWay, event: TraceEvent): void {
    const [addr, len] = under.args;
    if (!this.#checked(under, event)) return;
    this.#emit({ op: "munmap", addr, len }, event);
    this.#map.remove(addr, addr + roundUp(len));
  }

  #mremap(under: CallUnderWay, event: TraceEvent): void {
    const [addr, len, newLen, flags] = under.args;
    const to = event.ret;
    if (!validRange(addr, len) || !validRange(to, newLen) || newLen === 0) {
      this.#badNumber(event, under.line);
      return;
    }
    const dontUnmap = (flags & MREMAP_DONTUNMAP) !== 0;
    if (to !== addr) this.#settle(to, to + roundUp(newLen), event);
    this.#emit(
      { op: "mremap", addr, len, newLen, ...(to === addr ? {} : { to }), ...(dontUnmap ? { dontUnmap } : {}) },
      event,
    );
    this.#map.move(addr, roundUp(len), to, roundUp(newLen), dontUnmap);
  }

  #madvise(under: CallUnderWay, event: TraceEvent): void {
    const [addr, len, behavior] = under.args;
    const { ret } = event;
    const advice = ADVICE[behavior];
    if (advice === undefined) {
      this.#report.problem("not_modelled", under.line, `madvise with advice ${behavior}`);
      return;
    }
    // It acts on the VMAs it can before (EINVAL, EFAULT) or besides (ENOMEM) the one that it fails at; a collapse, on every
    // huge page that it can, whatever the last one that it cannot fails with.
    const zaps = advice === "dontneed" || advice === "dontneed_locked" || advice === "free";
    const populates = advice === "populate_read" || advice === "populate_write";
    const asFar = ret === EINVAL && !zaps ? { answered: "EINVAL" as const } : {};
    const again = ret === EAGAIN && advice === "collapse" ? { answered: "EAGAIN" as const } : {};
    const acted =
      ret === 0 || ret === ENOMEM || ret === EINVAL || (ret === EFAULT && populates) || advice === "collapse";
    if (!acted || !this.#checked(under, event)) return;
    if (populates && len > POPULATED_MAX) {
      this.#badNumber(event, under.line);
      return;
    }
    this.#emit({ op: "madvise", addr, len, advice, ...asFar, ...again }, event);
  }

  #brk(event: TraceEvent): void {
    const { ret } = event;
    if (!(ret > 0 && ret < ADDRESS_END)) {
      this.#badNumber(event);
      return;
    }
    const end = roundUp(ret);
    if (this.#heapStart < 0) {
      this.#heapStart = end;
    } else if (end > this.#heapEnd) {
      this.#map.add(this.#heapEnd, end);
    } else if (end < this.#heapEnd && end >= this.#heapStart) {
      this.#map.remove(end, this.#heapEnd);
    }
    this.#emit({ op: "brk", addr: ret }, event);
    if (this.#touchOnMap && this.#heapEnd > 0 && end > this.#heapEnd) {
      this.#touchAll(this.#heapEnd, end - this.#heapEnd, 3, event);
    }
    this.#heapEnd = end;
  }

  #mlockall(under: CallUnderWay, event: TraceEvent): void {
    const flags = under.call === "munlockall" ? 0 : under.args[0];
    const current = (flags & MCL_CURRENT) !== 0 ? { current: true } : {};
    const future = (flags & MCL_FUTURE) !== 0 ? { future: true } : {};
    const onFault = (flags & MCL_ONFAULT) !== 0 ? { onFault: true } : {};
    this.#emit({ op: "mlockall", ...current, ...future, ...onFault }, event);
  }

  /** mm/mmap.c: remap_file_pages() is a shared mapping of the same file over a part of it, populated at once. */
  #remapFilePages(under: CallUnderWay, event: TraceEvent): void {
    if (under.mapping === null) {
      this.#report.problem("not_modelled", under.line, "remap_file_pages of a file that the trace does not name");
      return;
    }
    this.#mapRecorded(under.mapping, event, (under.args[4] & MAP_NONBLOCK) === 0);
  }

  #attachFile(under: CallUnderWay, event: TraceEvent, otherwise: string): void {
    const { mapping } = under;
    if (mapping === null) {
      this.#report.problem("not_modelled", under.line, `${under.call}: ${otherwise}`);
      return;
    }
    this.#settle(mapping.address, mapping.address + mapping.length, event);
    this.#mapRecorded(mapping, event);
    this.#attach(mapping.address, mapping.length);
  }

  #detach(addr: number, event: TraceEvent): void {
    const len = this.#attached.get(addr);
    if (len === undefined) return;
    this.#attached.delete(addr);
    this.#emit({ op: "munmap", addr, len }, event);
    this.#map.remove(addr, addr + len);
  }
}
