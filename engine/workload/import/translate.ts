/**
 * From the events of a trace to the operations of one process, by the rules that explained every sample of real traces:
 * calls take effect at their end with the value they returned, failures are ignored (a madvise that gave ENOMEM acted),
 * an exec starts an empty address space whose mappings are the MMAP2 records up to the end of execve, and a fault is one
 * access at its entry.
 */
import type { TouchOp } from "../operation.ts";
import { PAGE, SLOT } from "../sizes.ts";
import { ADDRESS_END, CLONE_VM, protOf } from "./abi.ts";
import { CallEffects } from "./call-effects.ts";
import type { CallUnderWay } from "./call-under-way.ts";
import type { TraceEvent } from "./event.ts";
import { noteIoctl } from "./hidden-calls.ts";
import type { ImportReport } from "./report.ts";
import { SeenTables } from "./seen-tables.ts";
import { StackGrowth } from "./stack-growth.ts";
import type { TraceSink, TranslateOptions } from "./trace-sink.ts";
import { type Shared, TASKS_MAX, TracedSpace, validRange } from "./traced-space.ts";

/** An access further below the stack than this is no stack growth. */
const STACK_GROWTH_MAX = 2 ** 30;
const EXEC_FAULTS_MAX = 1000;

/** Told of the processes that a followed one makes, where all are followed (service.ts). */
export interface Kin {
  readonly shared: Shared;
  /** The child has a copy of the parent's address space from here on. */
  forked(event: TraceEvent, child: Translator): void;
  /** The child shares it until it executes a program. */
  shares(childPid: number, pid: number): void;
}

export class Translator {
  #space: TracedSpace;
  #effects: CallEffects;
  readonly #kin: Kin | null;
  /** The process that is followed now, and those that come after it, each by a fork of the one before. */
  #pid: number;
  readonly #next: number[];
  /** Processes that run in another's address space: vfork children until they exec. */
  readonly #sharing = new Map<number, number>();
  /** The thread that is inside execve, after the new address space began; 0: none. */
  #loading = 0;
  /** Mappings are known: an exec with its MMAP2 records was seen. */
  #imageKnown = false;
  /** It has done something itself: MMAP2 records no longer describe what was there before the trace. */
  #acted = false;
  /** Accesses inside execve to what was not mapped before it: they are the new program's, where it succeeds. */
  #execFaults: TouchOp[] = [];
  #ended = false;
  readonly #growth = new StackGrowth();
  /** When the first and the last event were that bear on it; the last of the trace while it still runs. */
  #startNs = -1;
  #endNs = 0;
  /** Its first thread is gone: what others do says nothing of it any more. */
  #left = false;
  /** What the process was found to be is being given; its own events before that began are in it already. */
  #foundNs = -1;

  constructor(sink: TraceSink, report: ImportReport, options: TranslateOptions, kin: Kin | null = null) {
    this.#kin = kin;
    this.#space = new TracedSpace(sink, report, kin?.shared);
    this.#effects = new CallEffects(this.#space, options.touchOnMap ?? false);
    const [first, ...next] = [...(options.ancestors ?? []), options.pid];
    this.#pid = first;
    this.#next = next;
  }

  /** Takes the next event of the trace. */
  take(event: TraceEvent): void {
    if (event.kind === "lost") {
      this.#space.report.problem("lost", event.line, `${event.ret} events lost`, Math.max(1, event.ret || 1));
      return;
    }
    const own = event.pid === this.#pid;
    if (!this.#ended && (own || !this.#left) && event.timeNs > this.#endNs) this.#endNs = event.timeNs;
    if (event.kind === "until") return;
    if (event.pid !== this.#pid && this.#sharing.get(event.pid) !== this.#pid) {
      if (event.kind === "fault" || event.kind === "enter")
        this.#space.report.problem("other_process", event.line, `pid ${event.pid}`);
      return;
    }
    if (this.#ended) return;
    if (event.kind === "found") {
      this.#found(event);
      return;
    }
    if (event.timeNs < this.#foundNs) {
      // A call that was under way then may act after it.
      if (event.kind === "enter") this.#enter(event);
      else if (event.kind === "exit") this.#drop(event.tid, event.timeNs);
      return;
    }
    // perf makes up records of what was there before, at 0.
    if (this.#startNs < 0 && event.timeNs > 0) this.#startNs = event.timeNs;
    if (event.kind !== "mmap2" && event.kind !== "comm") {
      this.#acted = true;
      const refused = this.#growth.refusedBefore(event.tid);
      if (refused) this.#space.outside(refused.line, refused.address);
      this.#space.sink.seen?.(event.tid, event.timeNs);
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
        if (event.childTid === this.#pid) this.#left = true;
        this.#drop(event.childTid, event.timeNs);
        this.#sharing.delete(event.childPid);
        break;
    }
  }

  /** From its first event to its end (or that of the trace, where it ran on), on the trace's clock; null: nothing was seen of it. */
  lifetime(): { readonly startNs: number; readonly endNs: number } | null {
    return this.#startNs < 0 ? null : { startNs: this.#startNs, endNs: Math.max(this.#startNs, this.#endNs) };
  }

  /** Call it after the last event: what is still under way is reported. */
  finish(): void {
    for (const [tid, { call, line }] of this.#space.calls) {
      if (call !== "exit_group" && call !== "exit")
        this.#space.report.problem("unmatched_enter", line, `${call} of thread ${tid}`);
    }
    this.#space.calls.clear();
  }

  /** A child's, which goes on from a copy of the address space as it is now. */
  #copied(event: TraceEvent, pid: number): Translator {
    const { sink, report } = this.#space;
    const child = new Translator(sink, report, { pid }, this.#kin);
    child.#space = this.#space.copied(event);
    child.#effects = this.#effects.copied(child.#space);
    child.#imageKnown = this.#imageKnown;
    child.#acted = true;
    child.#startNs = event.timeNs;
    return child;
  }

  /** Has it done anything? */
  get begun(): boolean {
    return this.#space.begun;
  }

  /** It is gone, and what it had is given back. */
  end(event: TraceEvent): void {
    this.#ended = true;
    if (this.#space.begun) this.#space.emit({ op: "exit", process: 0 }, event);
  }

  /** A thread is gone, and the call that it was in. */
  #drop(tid: number, timeNs: number): void {
    if (this.#space.calls.delete(tid)) this.#space.sink.ended?.(tid, timeNs);
  }

  /** A mapping as it was found, or the end of them. */
  #found(event: TraceEvent): void {
    const { found } = event;
    if (found?.later) {
      this.#space.seenLater(found, event);
      if (found.later === "end") this.#space.seen?.snapshotEnds();
      return;
    }
    if (found?.light) {
      this.#space.seen = new SeenTables();
      this.#space.report.problem("no_faults", event.line, `process ${event.pid}`);
    }
    if (this.#foundNs < 0) {
      this.#foundNs = event.timeNs;
      this.#startNs = event.timeNs;
      this.#acted = true;
      this.#imageKnown = true;
      this.#space.clear();
      this.#effects.clear();
      this.#space.sink.finding?.();
      this.#space.executed(event);
    }
    if (found === null) {
      this.#space.sink.found?.(event.timeNs);
      return;
    }
    if (found.name === "[heap]" && !found.more) this.#effects.foundHeap(found.addr, found.addr + found.len, event);
    this.#space.mapFound(found, event);
  }

  #fault(event: TraceEvent): void {
    const { address } = event;
    if (Number.isNaN(address)) {
      this.#space.report.problem("bad_number", event.line, "page fault");
      return;
    }
    if (address < 0 || address >= ADDRESS_END) {
      // No user address at all: the program got a signal.
      this.#space.report.problem(
        "outside_mapping",
        event.line,
        `address 0x${BigInt.asUintN(64, BigInt(address)).toString(16)}`,
      );
      return;
    }
    const addr = address - (address % PAGE);
    const touch: TouchOp = { op: "touch", addr, len: PAGE, access: event.write ? "w" : "r" };
    const mapped = this.#space.map.has(address);
    if (!mapped && this.#loading === 0 && this.#isInExec(event.tid) && this.#execFaults.length < EXEC_FAULTS_MAX) {
      this.#execFaults.push(touch);
      return;
    }
    if (!mapped && this.#space.map.grows(address, STACK_GROWTH_MAX) && this.#growth.waits(event, touch)) return;
    if (mapped || this.#explainOutside(event)) this.#space.emit(touch, event, true);
  }

  /** A fault outside every mapping: stack growth, or a mapping that the trace does not show. False: neither. */
  #explainOutside(event: TraceEvent): boolean {
    const { address } = event;
    if (this.#space.map.grow(address, STACK_GROWTH_MAX)) return true;
    if (this.#imageKnown) {
      this.#space.outside(event.line, address);
      return false;
    }
    const { below, above } = this.#space.map.gapAround(address);
    const slot = address - (address % SLOT);
    const addr = Math.max(below, slot);
    const len = Math.min(above, slot + SLOT) - addr;
    this.#space.report.problem("assumed_mapping", event.line, `address 0x${address.toString(16)}`);
    this.#space.emit(
      { op: "mmap", addr, len, prot: "rwx", backing: "file", file: this.#space.fileNumber("assumed"), offset: addr },
      event,
    );
    this.#space.map.add(addr, addr + len);
    return true;
  }

  #isInExec(tid: number): boolean {
    const call = this.#space.calls.get(tid)?.call;
    return call === "execve" || call === "execveat";
  }

  /** An execve succeeded in a trace that has no record of the exec itself (tracefs without sched_process_exec). */
  #execWithoutRecord(event: TraceEvent): void {
    const touches = this.#execFaults;
    this.#exec(event);
    this.#loading = 0;
    for (const touch of touches) {
      event.address = touch.addr;
      if (this.#space.map.has(touch.addr) || this.#explainOutside(event)) this.#space.emit(touch, event);
    }
  }

  #exec(event: TraceEvent): void {
    this.#sharing.delete(event.pid);
    if (event.pid !== this.#pid) {
      this.#drop(event.tid, event.timeNs);
      return;
    }
    this.#space.clear();
    this.#effects.clear();
    this.#loading = event.tid;
    this.#imageKnown = false;
    this.#execFaults = [];
    this.#space.executed(event);
  }

  #mmap2(event: TraceEvent): void {
    const { address, length } = event;
    if (!validRange(address, length) || length === 0) {
      this.#space.report.problem("bad_number", event.line, "PERF_RECORD_MMAP2");
      return;
    }
    if (this.#loading === 0 && this.#acted) {
      const grew = this.#growth.recorded(event);
      if (grew) {
        if (this.#space.map.grow(grew.addr, STACK_GROWTH_MAX)) this.#space.emit(grew, event, true);
        return;
      }
      const under = this.#space.calls.get(event.tid);
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
      this.#space.emit({ op: "mmap", addr: address, len: length, prot, backing: "anon", flags: ["growsdown"] }, event);
      this.#space.map.addGrowing(address, address + length);
      // The kernel has copied argv and the environment to the top of the stack, without a fault.
      this.#space.emit({ op: "touch", addr: address + length - PAGE, len: PAGE, access: "w" }, event);
      return;
    }
    this.#space.mapRecorded(event, event);
  }

  /**
   * A mapping that no call of the trace made. Where all of it is known it is the stack, grown, or an mprotect whose call was
   * lost; else a call made it that the trace does not have (shmat, io_setup).
   */
  #foundMapping(event: TraceEvent): void {
    const { address, length } = event;
    const end = address + length;
    if (!this.#imageKnown || this.#space.map.covers(address, end)) return;
    if (this.#space.map.has(end - PAGE) && this.#space.map.grow(address, STACK_GROWTH_MAX)) return;
    this.#space.settle(address, end, event);
    this.#space.report.problem("found_mapping", event.line, `0x${address.toString(16)}, ${event.name || "no name"}`);
    this.#space.mapRecorded(event, event);
    this.#space.attachFound(address, length);
  }

  #forked(event: TraceEvent): void {
    const { childPid } = event;
    if (childPid === event.pid) return;
    if (childPid === this.#next[0]) {
      this.#followFork(event);
      return;
    }
    if (this.#sharing.size >= TASKS_MAX) return;
    const under = this.#space.calls.get(event.tid);
    if (!under) {
      this.#forkedApart(event, childPid);
      return;
    }
    // clone3's arguments are behind a pointer; what makes processes with it shares the address space (posix_spawn).
    const shares =
      under.call === "vfork" || under.call === "clone3" || (under.call === "clone" && (under.args[0] & CLONE_VM) !== 0);
    if (!shares) {
      this.#forkedApart(event, childPid);
      return;
    }
    this.#sharing.set(childPid, this.#pid);
    under.sharing.push(childPid);
    this.#kin?.shares(childPid, event.pid);
  }

  #forkedApart(event: TraceEvent, childPid: number): void {
    if (this.#kin !== null && this.#space.begun) this.#kin.forked(event, this.#copied(event, childPid));
  }

  /**
   * clone3's flags are behind a pointer. Where its child has neither executed a program nor ended when it returns, the parent
   * did not wait for it: it is a fork, not a posix_spawn, and what it does from here on is its own.
   */
  #endSharing(under: CallUnderWay, event: TraceEvent): void {
    if (under.call !== "clone3") return;
    for (const pid of under.sharing) {
      if (!this.#sharing.delete(pid)) continue;
      event.childPid = pid;
      this.#forkedApart(event, pid);
    }
  }

  /** The process that is wanted (or its ancestor) is made: from here on its copy of the address space is followed. */
  #followFork(event: TraceEvent): void {
    this.#space.forked(event);
    this.#pid = event.childPid;
    this.#next.shift();
    this.#sharing.clear();
  }

  #enter(event: TraceEvent): void {
    const { call, tid } = event;
    if (call === "execve" || call === "execveat") this.#execFaults = [];
    const before = this.#space.calls.get(tid);
    if (before) this.#space.report.problem("unmatched_enter", before.line, `${before.call} of thread ${tid}`);
    if (call === "ioctl") {
      noteIoctl(event, this.#space.report);
      return;
    }
    if (this.#space.calls.size >= TASKS_MAX) return;
    const { args, line, stack } = event;
    this.#space.calls.set(tid, { call, args: [...args], line, stack, applied: false, mapping: null, sharing: [] });
    this.#space.sink.began?.(tid, event.timeNs, call);
    if (call === "exit_group" && event.pid === this.#pid) this.#ended = true;
  }

  #exit(event: TraceEvent): void {
    const { call, tid } = event;
    const under = this.#space.calls.get(tid);
    this.#space.calls.delete(tid);
    this.#space.stack = under?.stack ?? null;
    if (under) this.#endSharing(under, event);
    if (call === "execve" || call === "execveat") {
      if (event.ret === 0 && this.#loading === tid) this.#loading = 0;
      else if (event.ret === 0 && under !== undefined && event.pid === this.#pid) this.#execWithoutRecord(event);
    } else if (call === "brk") {
      this.#effects.brk(event);
    } else if (!under || under.call !== call) {
      // A new thread returns from the clone that made it.
      const child = event.ret === 0 && (call === "clone" || call === "clone3" || call === "fork" || call === "vfork");
      if (!child && call !== "ioctl")
        this.#space.report.problem("unmatched_exit", event.line, `${call} of thread ${tid}`);
    } else {
      this.#effects.apply(under, event);
    }
    this.#space.stack = null;
    this.#space.sink.ended?.(tid, event.timeNs);
  }
}
