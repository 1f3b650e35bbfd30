/** What every trace format comes down to: one event of one thread. */

import type { FoundMapping } from "./found.ts";

/** Calls that change or could change an address space; the others in a trace are counted and ignored. */
export const CALLS = [
  "mmap",
  "munmap",
  "mremap",
  "mprotect",
  "pkey_mprotect",
  "madvise",
  "process_madvise",
  "brk",
  "mlock",
  "mlock2",
  "munlock",
  "mlockall",
  "munlockall",
  "clone",
  "clone3",
  "fork",
  "vfork",
  "execve",
  "execveat",
  "exit_group",
  "exit",
  "remap_file_pages",
  "userfaultfd",
  "ioctl",
  "prctl",
  "shmat",
  "shmdt",
  "io_setup",
  "io_destroy",
] as const;
export type Call = (typeof CALLS)[number];

const CALL_SET: ReadonlySet<string> = new Set(CALLS);

export function isCall(name: string): name is Call {
  return CALL_SET.has(name);
}

export type EventKind =
  /** A call begins: `call`, `args`. */
  | "enter"
  /** A call ends: `call`, `ret`. */
  | "exit"
  /** A page fault begins: `address`, `write`. */
  | "fault"
  /** A mapping as perf records it: `address`, `length`, `prot`, `shared`, `pgoff`, `name`, `fileKey`. */
  | "mmap2"
  /** The thread's name changed: `comm`; with `exec` a new address space has begun. */
  | "comm"
  /** A task was made: `childPid`, `childTid` by `pid`, `tid`. */
  | "fork"
  /** A task ended. */
  | "task-exit"
  /** A mapping of a process that ran already: `found`; null: all of it has been read by then. */
  | "found"
  /** A process that ran already was recorded until then, and ran on. */
  | "until"
  /** Events were lost: `ret` says how many. */
  | "lost";

/**
 * One event. Parsers reuse one object for all of a trace: copy what is to be kept. Only the fields named at the kind
 * hold something. Numbers that could not be read are NaN.
 */
export interface TraceEvent {
  kind: EventKind;
  line: number;
  /** Nanoseconds on the trace's clock. */
  timeNs: number;
  pid: number;
  tid: number;
  comm: string;
  call: Call;
  readonly args: number[];
  ret: number;
  address: number;
  write: boolean;
  length: number;
  /** PROT_ bits. */
  prot: number;
  shared: boolean;
  pgoff: number;
  name: string;
  fileKey: string;
  exec: boolean;
  childPid: number;
  childTid: number;
  found: FoundMapping | null;
  /** Of `enter`, where the trace has them: the functions that the call was made in, the outermost first. Shared: do not change it. */
  stack: readonly string[] | null;
}

export function emptyEvent(): TraceEvent {
  return {
    kind: "lost",
    line: 0,
    timeNs: 0,
    pid: 0,
    tid: 0,
    comm: "",
    call: "brk",
    args: [0, 0, 0, 0, 0, 0],
    ret: 0,
    address: 0,
    write: false,
    length: 0,
    prot: 0,
    shared: false,
    pgoff: 0,
    name: "",
    fileKey: "",
    exec: false,
    childPid: 0,
    childTid: 0,
    found: null,
    stack: null,
  };
}

/**
 * Reads one line of a trace (without its end) and emits the events that it holds. The emitted object is reused.
 */
export interface LineParser {
  (text: string, line: number, emit: (event: TraceEvent) => void): void;
  /** After the last line: emits what was still waiting for more lines. */
  finish?(emit: (event: TraceEvent) => void): void;
}
