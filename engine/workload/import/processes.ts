/** The processes of a trace: what each is called, how busy it is, and where its address space came from. */
import { type Allocator, allocatorsOf, GO_ARENA, GO_NAME } from "../../experiment/allocator-settings.ts";
import { PAGE } from "../sizes.ts";
import { ADVICE, UFFD_IOCTLS } from "./abi.ts";
import type { TraceEvent } from "./event.ts";

/** What one process of a trace did. */
export interface TracedProcess {
  readonly pid: number;
  readonly comm: string;
  readonly events: number;
  /** madvise(MADV_DONTNEED) calls. */
  readonly dontneed: number;
  readonly threads: number;
  /** When its first event was and when it left (its last event, where it did not), on the trace's clock; ns. */
  readonly startNs: number;
  readonly endNs: number;
  /**
   * The processes whose address space it continues: each a fork of the one before, without an exec since. Empty where it
   * began with an exec of its own, or where the trace does not show its beginning.
   */
  readonly ancestors: readonly number[];
  /**
   * It executed a 32-bit program: it had page faults, all below 4 GiB, and no call that gave it memory. The kernel's
   * trace events leave the calls of such programs out, or give their numbers, which mean others here.
   */
  readonly is32Bit: boolean;
  /** How often it called what acts on ranges behind a pointer (process_madvise, userfaultfd and its ioctls), by name. */
  readonly hidden: Readonly<Record<string, number>>;
  /** Allocators that the names of its threads and mapped files point to. */
  readonly allocators: readonly Allocator[];
  /** Recorded without page faults. */
  readonly light: boolean;
}

const PROCESSES_MAX = 1 << 16;
const NAMES_MAX = 1024;
const ANCESTORS_MAX = 16;
/** So many faults and neither mmap nor brk that gave an address is no 64-bit program: loading one takes them. */
const FAULTS_MIN = 4;

interface Entry {
  comm: string;
  events: number;
  dontneed: number;
  readonly threads: Set<number>;
  startNs: number;
  endNs: number;
  left: boolean;
  names: Set<string>;
  hidden: Map<string, number>;
  ancestors: readonly number[];
  light: boolean;
  /** Since its last exec. */
  readonly since: { execs: number; faults: number; memoryCalls: number; highest: number };
}

function newSince(): Entry["since"] {
  return { execs: 0, faults: 0, memoryCalls: 0, highest: 0 };
}

/** Takes the events of a whole trace, in constant memory for each process. */
export class ProcessList {
  readonly #found = new Map<number, Entry>();

  #entry(pid: number): Entry | undefined {
    let entry = this.#found.get(pid);
    if (!entry && this.#found.size < PROCESSES_MAX) {
      entry = {
        comm: "",
        events: 0,
        dontneed: 0,
        threads: new Set(),
        startNs: 0,
        endNs: 0,
        left: false,
        names: new Set(),
        hidden: new Map(),
        ancestors: [],
        light: false,
        since: newSince(),
      };
      this.#found.set(pid, entry);
    }
    return entry;
  }

  /**
   * What a call is named that acts on ranges which the trace does not show; null for any other. Counted where it begins: that it
   * failed may not be in the trace.
   */
  static hiddenCall({ kind, call, args }: TraceEvent): string | null {
    if (kind !== "enter") return null;
    if (call === "process_madvise" || call === "userfaultfd") return call;
    return call === "ioctl" ? (UFFD_IOCTLS[args[1]] ?? null) : null;
  }

  /** `comm`: the name that stands on the event's line, asked for where it is not known yet. */
  take(event: TraceEvent, comm: () => string): void {
    if (event.kind === "lost" || event.pid <= 0) return;
    if (event.kind === "until") {
      const known = this.#found.get(event.pid);
      if (known?.left === false) known.endNs = Math.max(known.endNs, event.timeNs);
      return;
    }
    const entry = this.#entry(event.pid);
    if (!entry) return;
    entry.events++;
    if (entry.startNs === 0) entry.startNs = event.timeNs;
    if (!entry.left) entry.endNs = Math.max(entry.endNs, event.timeNs);
    if (event.kind === "enter" && event.call === "exit_group") entry.left = true;
    if (entry.threads.size < PROCESSES_MAX) entry.threads.add(event.tid);
    if (event.kind === "comm") this.#named(entry, event);
    else if (entry.comm === "") entry.comm = comm();
    if (event.kind === "fault") {
      entry.since.faults++;
      entry.since.highest = Math.max(entry.since.highest, event.address);
    } else if (event.kind === "exit" && event.ret >= PAGE && (event.call === "mmap" || event.call === "brk"))
      entry.since.memoryCalls++;
    if (event.kind === "exit" && event.call === "mmap" && event.ret >= GO_ARENA.start && event.ret < GO_ARENA.end)
      this.#name(entry, GO_NAME);
    const hidden = ProcessList.hiddenCall(event);
    if (hidden !== null) entry.hidden.set(hidden, (entry.hidden.get(hidden) ?? 0) + 1);
    if (event.kind === "found" && event.found !== null) {
      entry.light ||= event.found.light === true;
      this.#name(entry, event.found.name.slice(event.found.name.lastIndexOf("/") + 1));
      if (event.found.addr >= GO_ARENA.start && event.found.addr < GO_ARENA.end) this.#name(entry, GO_NAME);
    }
    if (event.kind === "mmap2") this.#name(entry, event.name.slice(event.name.lastIndexOf("/") + 1));
    if (event.kind === "fork" && event.childPid !== event.pid) this.#forked(entry, event);
    if (event.kind === "enter" && event.call === "madvise" && ADVICE[event.args[2]] === "dontneed") entry.dontneed++;
  }

  #named(entry: Entry, { comm, exec }: TraceEvent): void {
    if (exec) {
      entry.names.clear();
      entry.ancestors = [];
      Object.assign(entry.since, { ...newSince(), execs: entry.since.execs + 1 });
    }
    if (exec || entry.comm === "") entry.comm = comm;
    this.#name(entry, comm);
  }

  #name(entry: Entry, name: string): void {
    if (entry.names.size < NAMES_MAX) entry.names.add(name);
  }

  #forked(parent: Entry, { pid, childPid }: TraceEvent): void {
    const child = this.#entry(childPid);
    if (!child) return;
    child.ancestors = [...parent.ancestors, pid].slice(-ANCESTORS_MAX);
    child.names = new Set(parent.names);
    if (child.comm === "") child.comm = parent.comm;
  }

  /** Those that did anything, the busiest first. */
  list(): readonly TracedProcess[] {
    return [...this.#found]
      .filter(([, { events }]) => events > 0)
      .map(([pid, { comm, events, dontneed, threads, startNs, endNs, names, hidden, ancestors, light, since }]) => ({
        pid,
        comm,
        events,
        dontneed,
        threads: threads.size,
        startNs,
        endNs,
        ancestors,
        hidden: Object.fromEntries(hidden),
        is32Bit: since.execs > 0 && since.faults >= FAULTS_MIN && since.memoryCalls === 0 && since.highest < 2 ** 32,
        allocators: allocatorsOf(names),
        light,
      }))
      .sort((a, b) => b.events - a.events || a.pid - b.pid);
  }
}
