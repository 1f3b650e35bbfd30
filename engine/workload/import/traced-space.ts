/**
 * The address space of the followed process, as far as the trace tells: what is mapped, by which files, and which calls are
 * under way in it; and the one way in which operations are given on.
 */
import type { Operation } from "../operation.ts";
import { PAGE, SLOT, wholePages } from "../sizes.ts";
import { ADDRESS_END, protOf } from "./abi.ts";
import { AddressMap } from "./address-map.ts";
import type { CallUnderWay, Mapping } from "./call-under-way.ts";
import type { TraceEvent } from "./event.ts";
import type { FoundMapping } from "./found.ts";
import type { ImportReport } from "./report.ts";
import type { EmptySlot, SeenTables } from "./seen-tables.ts";
import type { TraceSink } from "./trace-sink.ts";

/** Tasks and files remembered at most; a trace with more is damaged or hostile. */
export const TASKS_MAX = 1 << 18;
const FILES_MAX = 1 << 16;
const FOUND_MAX = 1000;
/** No call that succeeded populated more than this. */
export const POPULATED_MAX = 2 ** 42;

/** Files that are surely in memory by the names that the kernel gives them: of memfd_create, shmat, shm_open, shared anonymous memory. */
export function inMemory(name: string): { shmem?: true } {
  return /^\/(memfd:|SYSV[0-9a-f]{8}|dev\/shm\/|dev\/zero \(deleted\))/.test(name) ? { shmem: true } : {};
}

export function validRange(addr: number, len: number): boolean {
  return addr >= 0 && len >= 0 && addr + len <= ADDRESS_END;
}

/** The part of runs of pages that lies in [from, end), counted from there. */
function runsWithin(runs: readonly number[], from: number, end: number): number[] {
  const within: number[] = [];
  for (let i = 0; i + 1 < runs.length; i += 2) {
    const first = Math.max(from, runs[i]);
    const stop = Math.min(end, runs[i] + runs[i + 1]);
    if (stop > first) within.push(first - from, stop - first);
  }
  return within;
}

/** What the address spaces of one trace have in common. */
export interface Shared {
  /** Numbers of files, by whatever tells one from others. */
  readonly files: Map<string, number>;
  /** How many processes there are in the operations: the number of the next one. */
  processes: number;
  /** Processes by their pid, where they are told apart. */
  readonly names: ReadonlyMap<number, string> | null;
}

export function newShared(names: Shared["names"] = null): Shared {
  return { files: new Map(), processes: 0, names };
}

export class TracedSpace {
  readonly sink: TraceSink;
  readonly report: ImportReport;
  map = new AddressMap();
  /** Calls under way, by thread. */
  readonly calls = new Map<number, CallUnderWay>();
  readonly #shared: Shared;
  /** The number of the process in the operations; -1: it has done nothing yet. */
  #process = -1;
  /** The stack of the call whose operations are given now. */
  stack: readonly string[] | null = null;
  /** Of a trace without page faults: which tables its snapshots have shown. */
  seen: SeenTables | null = null;
  /** Mappings that the kernel made and knows the length of: segments of shmat, rings of io_setup. By address. */
  readonly #attached = new Map<number, number>();
  /** Of those, the ones whose end is not in the trace: start and end. */
  readonly #found = new Map<number, number>();

  constructor(sink: TraceSink, report: ImportReport, shared: Shared = newShared()) {
    this.sink = sink;
    this.report = report;
    this.#shared = shared;
  }

  /** An exec: nothing of what was known holds. */
  clear(): void {
    this.map.clear();
    this.calls.clear();
    this.#attached.clear();
    this.#found.clear();
  }

  /** A fork is followed: what comes is the child's, whose copy this is now. */
  forked(event: TraceEvent): void {
    this.emit({ op: "fork" }, event);
    this.#process = this.#shared.processes++;
    this.calls.clear();
  }

  /** A fork: the address space of the child, a copy of this one. */
  copied(event: TraceEvent): TracedSpace {
    this.emit({ op: "fork", ...this.#named(event.childPid) }, event);
    const child = new TracedSpace(this.sink, this.report, this.#shared);
    child.#process = this.#shared.processes++;
    child.map = this.map.copy();
    child.seen = this.seen?.copy() ?? null;
    for (const [address, length] of this.#attached) child.#attached.set(address, length);
    for (const [start, end] of this.#found) child.#found.set(start, end);
    return child;
  }

  /** Has it done anything? */
  get begun(): boolean {
    return this.#process >= 0;
  }

  /** Gives an operation on; `fault`: it is an access that began now (TraceSink.operation). */
  emit(operation: Operation, event: TraceEvent, fault = false): void {
    if (this.#process < 0) {
      // Whatever comes first, the process begins with nothing: what a trace does not show is not made up.
      this.#process = this.#shared.processes++;
      const exec = this.#numbered({ op: "exec", ...this.#named(event.pid) });
      if (operation.op !== "exec") this.sink.operation(exec, event.tid, event.timeNs, false);
    }
    if (this.stack !== null) operation.stack = this.stack;
    this.seen?.note(operation);
    this.sink.operation(this.#numbered(operation), event.tid, event.timeNs, fault);
  }

  /** Which process an exec or fork makes, where that is told. */
  #named(pid: number): { pid?: number; comm?: string } {
    const { names } = this.#shared;
    return names === null ? {} : { pid, comm: names.get(pid) ?? "" };
  }

  /** A program is executed. */
  executed(event: TraceEvent): void {
    this.emit({ op: "exec", ...this.#named(event.pid) }, event);
  }

  #numbered(operation: Operation): Operation {
    const own = this.#process > 0 ? { ...operation, process: this.#process } : operation;
    return own;
  }

  /** A number of a call that no kernel takes or gives: the trace is damaged there. */
  badNumber(event: TraceEvent, line = event.line): void {
    this.report.problem("bad_number", line, `${event.call} of thread ${event.tid}`);
  }

  /** An access to what is not mapped. */
  outside(line: number, address: number): void {
    this.report.problem("outside_mapping", line, `address 0x${address.toString(16)}`);
  }

  /** Are the first two arguments a range of user addresses? Reports it where not. */
  checkRange(under: CallUnderWay, event: TraceEvent): boolean {
    const [addr, len] = under.args;
    const locks = under.call === "mlock" || under.call === "mlock2";
    if (validRange(addr, len) && !(locks && len > POPULATED_MAX)) return true;
    this.badNumber(event, under.line);
    return false;
  }

  /** What tells a file that is known by its descriptor alone from others. */
  descriptor(fd: number): string {
    return this.#process > 0 ? `fd ${fd} of ${this.#process}` : `fd ${fd}`;
  }

  /** The number of a file in the operations, by whatever tells it from others. */
  fileNumber(key: string): number {
    const { files } = this.#shared;
    let number = files.get(key);
    if (number === undefined) {
      number = files.size + 1;
      if (files.size < FILES_MAX) files.set(key, number);
    }
    return number;
  }

  /** What a record says was mapped; `populated`: with its pages. */
  mapRecorded(mapping: Mapping, event: TraceEvent, populated = false): void {
    const { address, length, shared, pgoff, name } = mapping;
    const prot = protOf(mapping.prot);
    const flags = populated ? { flags: ["populate"] as const } : {};
    if (name === "//anon" || name === "[heap]" || name === "") {
      this.emit({ op: "mmap", addr: address, len: length, prot, backing: shared ? "shared" : "anon", ...flags }, event);
    } else {
      const file = this.fileNumber(name.startsWith("[") ? name : mapping.fileKey);
      const offset = pgoff >= 0 && pgoff <= ADDRESS_END ? pgoff : 0;
      const backing = shared ? "sharedfile" : "file";
      const where = { file, offset, ...inMemory(name) };
      this.emit({ op: "mmap", addr: address, len: length, prot, backing, ...flags, ...where }, event);
    }
    this.map.add(address, address + length);
  }

  /**
   * What of a mapping was in use when it was looked at again. It was read a moment after the time that it is given for: what is not
   * mapped yet is left to the next snapshot.
   */
  seenLater(found: FoundMapping, event: TraceEvent): void {
    const { addr, len, permissions, file } = found;
    if (!validRange(addr, len)) {
      this.badNumber(event);
      return;
    }
    const prot = protOf((permissions[0] === "r" ? 1 : 0) | (permissions[1] === "w" ? 2 : 0));
    const shared = permissions[3] === "s";
    const backing = file === "" ? (shared ? "shared" : "anon") : shared ? "sharedfile" : "file";
    for (const [start, end] of this.map.within(addr, addr + len)) {
      const skip = (start - addr) / PAGE;
      const pages = runsWithin(found.pages, skip, (end - addr) / PAGE);
      const gaps: Record<EmptySlot, number[]> = { known: [], emptied: [], released: [] };
      const empty = runsWithin(found.empty, skip, (end - addr) / PAGE);
      for (let i = 0; i < empty.length; i += 2)
        for (let page = empty[i]; page < empty[i] + empty[i + 1]; ) {
          const at = start + page * PAGE;
          const next = Math.min(empty[i] + empty[i + 1], page + (SLOT - (at % SLOT)) / PAGE);
          gaps[this.seen?.empty(at) ?? "known"].push(page, next - page);
          page = next;
        }
      if (pages.length + gaps.emptied.length + gaps.released.length === 0) continue;
      this.emit(
        {
          op: "snapshot",
          addr: start,
          len: end - start,
          prot,
          backing,
          pages,
          empty: gaps.emptied,
          ...(gaps.released.length === 0 ? {} : { released: gaps.released }),
          more: true,
        },
        event,
      );
    }
  }

  /** A mapping of a process that ran already, with its pages. */
  mapFound(found: FoundMapping, event: TraceEvent): void {
    const { addr, len, permissions, offset, name, pages, empty, more } = found;
    if (!validRange(addr, len)) {
      this.badNumber(event);
      return;
    }
    const bits = (permissions[0] === "r" ? 1 : 0) | (permissions[1] === "w" ? 2 : 0) | (permissions[2] === "x" ? 4 : 0);
    const shared = permissions[3] === "s";
    // Names in brackets are no files: parts of the kernel's own ([vdso]) are taken for one each.
    const special = name.startsWith("[") && !/^\[(?:heap|stack|anon)/.test(name);
    const isFile = found.file !== "" || special;
    const backing = isFile ? (shared ? "sharedfile" : "file") : shared ? "shared" : "anon";
    const stack = name === "[stack]";
    const file = isFile ? { file: this.fileNumber(special ? name : found.file), offset, ...inMemory(name) } : {};
    this.emit(
      {
        op: "snapshot",
        addr,
        len,
        prot: protOf(bits),
        backing,
        ...file,
        ...(stack ? { flags: ["growsdown"] as const } : {}),
        pages,
        empty,
        ...(more || name === "[heap]" ? { more: true } : {}),
      },
      event,
    );
    if (more) return;
    if (stack) this.map.addGrowing(addr, addr + len);
    else this.map.add(addr, addr + len);
  }

  /** The kernel made this mapping, and ends it by its address alone. */
  attach(address: number, length: number): void {
    if (this.#attached.size < TASKS_MAX) this.#attached.set(address, length);
  }

  /** The end of a mapping that was attached at `addr`, where there is one. */
  detach(addr: number, event: TraceEvent): void {
    const len = this.#attached.get(addr);
    if (len === undefined) return;
    this.#attached.delete(addr);
    this.emit({ op: "munmap", addr, len }, event);
    this.map.remove(addr, addr + len);
  }

  /** A munmap, by what was asked of it. */
  munmap(under: CallUnderWay, event: TraceEvent): void {
    const [addr, len] = under.args;
    if (!this.checkRange(under, event)) return;
    this.emit({ op: "munmap", addr, len }, event);
    this.map.remove(addr, addr + wholePages(len));
  }

  /** Found mappings whose place is taken by another have ended before, as a whole. */
  #endFound(start: number, end: number, event: TraceEvent): void {
    for (const [from, to] of this.#found) {
      if (from >= end || to <= start) continue;
      this.#found.delete(from);
      this.detach(from, event);
    }
  }

  /** The kernel found room here: what another thread is unmapping there must be gone already. */
  settle(start: number, end: number, event: TraceEvent): void {
    if (this.#found.size > 0) this.#endFound(start, end, event);
    if (this.calls.size === 0) return;
    for (const other of this.calls.values()) {
      const [addr, len] = other.args;
      if (other.call !== "munmap" || other.applied || !(addr < end && addr + len > start)) continue;
      other.applied = true;
      this.munmap(other, event);
    }
  }

  /** A mapping of which the trace shows no call: its end may be not in the trace either. */
  attachFound(address: number, length: number): void {
    const end = address + length;
    this.attach(address, length);
    if (this.#found.size >= FOUND_MAX) return;
    this.#found.set(address, end);
    this.sink.unsure?.(address, end);
  }
}
