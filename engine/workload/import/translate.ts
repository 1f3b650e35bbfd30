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
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MLOCK_ONFAULT,
  MREMAP_DONTUNMAP,
  mmapFlagsOf,
  PAGE,
  protOf,
} from "./abi.ts";
import { AddressMap } from "./address-map.ts";
import type { Call, TraceEvent } from "./event.ts";
import type { ImportReport } from "./report.ts";

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
/** More than this is not taken as used because it may be accessed: reservations of address space are that large. */
const ASSUMED_MAX = 2 ** 34;
/** No call that succeeded populated more than this. */
const POPULATED_MAX = 2 ** 42;

/** What becomes of the followed process. All but `operation` matter to a comparison with measured samples only. */
export interface TraceSink {
  /** An operation takes effect. `fault`: it is an access that began now; its end is not in the trace. */
  operation(operation: Operation, tid: number, timeNs: number, fault: boolean): void;
  /** Anything of a thread: what it did before is over. */
  seen?(tid: number, timeNs: number): void;
  /** A call that may change the address space is under way. */
  began?(tid: number, timeNs: number, call: Call): void;
  /** It is over; its operations have been given. */
  ended?(tid: number, timeNs: number): void;
}

export interface TranslateOptions {
  /** The process to follow. */
  readonly pid: number;
  /** What it was forked from (TracedProcess.ancestors): followed first, each up to the fork of the next. */
  readonly ancestors?: readonly number[];
  /** Take every page that becomes accessible as touched at once: for traces without page faults. */
  readonly touchOnMap?: boolean;
}

interface CallUnderWay {
  readonly call: Call;
  readonly args: readonly number[];
  readonly line: number;
  /** Took effect already, because a later call could only have succeeded after it. */
  applied: boolean;
  /** Of a file that was mapped: from the MMAP2 record between begin and end. */
  fileKey: string;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}

/** mprotect, mlock and munlock act on the VMAs before the one that they answer ENOMEM for; mlock on that one too. */
const mayHaveActed = (ret: number): boolean => ret === 0 || ret === ENOMEM;
const answered = (ret: number): { answered?: "ENOMEM" } => (ret === ENOMEM ? { answered: "ENOMEM" } : {});

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
  #ended = false;

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
        this.#calls.delete(event.childTid);
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
    if (!(address >= 0 && address < ADDRESS_END)) {
      this.#report.problem("bad_number", event.line, "page fault");
      return;
    }
    const addr = address - (address % PAGE);
    const touch: TouchOp = { op: "touch", addr, len: PAGE, access: event.write ? "w" : "r" };
    const mapped = this.#map.has(address);
    if (!mapped && this.#loading === 0 && this.#isInExec(event.tid) && this.#execFaults.length < EXEC_FAULTS_MAX) {
      this.#execFaults.push(touch);
      return;
    }
    if (mapped || this.#explainOutside(event)) this.#emit(touch, event, true);
  }

  /** A fault outside every mapping: stack growth, or a mapping that the trace does not show. False: neither. */
  #explainOutside(event: TraceEvent): boolean {
    const { address } = event;
    const { below, above } = this.#map.gapAround(address);
    if (above === this.#map.stackStart && above - address <= STACK_GROWTH_MAX) {
      const start = address - (address % PAGE);
      this.#map.add(start, above);
      this.#map.stackStart = start;
      return true;
    }
    if (this.#imageKnown) {
      this.#report.problem("outside_mapping", event.line, `address 0x${address.toString(16)}`);
      return false;
    }
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
    if (event.pid !== this.#pid) return;
    this.#map.clear();
    this.#calls.clear();
    this.#loading = event.tid;
    this.#imageKnown = false;
    this.#heapStart = -1;
    this.#execFaults = [];
    this.#emit({ op: "exec" }, event);
  }

  #mmap2(event: TraceEvent): void {
    const { address, length } = event;
    if (this.#loading === 0 && this.#acted) {
      const under = this.#calls.get(event.tid);
      if (under) under.fileKey = event.fileKey;
      return;
    }
    if (!validRange(address, length) || length === 0) {
      this.#report.problem("bad_number", event.line, "PERF_RECORD_MMAP2");
      return;
    }
    this.#imageKnown = true;
    const prot = protOf(event.prot);
    if (event.name === "[stack]") {
      this.#emit({ op: "mmap", addr: address, len: length, prot, backing: "anon", flags: ["growsdown"] }, event);
      this.#map.stackStart = address;
      this.#map.add(address, address + length);
      // The kernel has copied argv and the environment to the top of the stack, without a fault.
      this.#emit({ op: "touch", addr: address + length - PAGE, len: PAGE, access: "w" }, event);
      return;
    }
    this.#map.add(address, address + length);
    if (event.name === "//anon" || event.name === "[heap]" || event.name === "") {
      this.#emit({ op: "mmap", addr: address, len: length, prot, backing: event.shared ? "shared" : "anon" }, event);
      return;
    }
    const file = this.#fileNumber(event.name.startsWith("[") ? event.name : event.fileKey);
    const backing = event.shared ? "sharedfile" : "file";
    this.#emit(
      {
        op: "mmap",
        addr: address,
        len: length,
        prot,
        backing,
        file,
        offset: event.pgoff >= 0 && event.pgoff <= ADDRESS_END ? event.pgoff : 0,
      },
      event,
    );
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
    if (shares) this.#sharing.set(childPid, this.#pid);
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
    if (this.#calls.size >= TASKS_MAX) return;
    this.#calls.set(tid, { call, args: [...event.args], line: event.line, applied: false, fileKey: "" });
    this.#sink.began?.(tid, event.timeNs, call);
    if (call === "exit_group" && event.pid === this.#pid) this.#ended = true;
  }

  #exit(event: TraceEvent): void {
    const { call, tid } = event;
    const under = this.#calls.get(tid);
    this.#calls.delete(tid);
    if (call === "execve" || call === "execveat") {
      if (event.ret === 0 && this.#loading === tid) this.#loading = 0;
      else if (event.ret === 0 && under !== undefined && event.pid === this.#pid) this.#execWithoutRecord(event);
    } else if (call === "brk") {
      this.#brk(event);
    } else if (!under || under.call !== call) {
      // A new thread returns from the clone that made it.
      const child = event.ret === 0 && (call === "clone" || call === "clone3" || call === "fork" || call === "vfork");
      if (!child) this.#report.problem("unmatched_exit", event.line, `${call} of thread ${tid}`);
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
      case "process_madvise":
      case "mlockall":
      case "munlockall":
      case "remap_file_pages":
      case "userfaultfd":
        if (!(ret < 0)) this.#report.problem("not_modelled", under.line, under.call);
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
    if (!validRange(addr, len) || len === 0 || Number.isNaN(protBits + flagBits)) {
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
            file: this.#fileNumber(under.fileKey || `fd ${fd}`),
            offset: offset >= 0 && offset <= ADDRESS_END ? offset : 0,
          };
    const withFlags = flags.length > 0 ? { flags } : {};
    this.#emit({ op: "mmap", addr, len, prot: protOf(protBits), backing, ...withFlags, ...file }, event);
    this.#map.add(addr, end);
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
    if (!dontUnmap && len > 0) this.#map.remove(addr, addr + roundUp(len));
    this.#map.add(to, to + roundUp(newLen));
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
    const asFar = ret === EINVAL && !zaps && advice !== "collapse";
    const acted =
      ret === 0 || ret === ENOMEM || ret === EINVAL || (ret === EFAULT && populates) || advice === "collapse";
    if (!acted || !this.#checked(under, event)) return;
    if (populates && len > POPULATED_MAX) {
      this.#badNumber(event, under.line);
      return;
    }
    this.#emit({ op: "madvise", addr, len, advice, ...(asFar ? { answered: "EINVAL" } : {}) }, event);
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
}
