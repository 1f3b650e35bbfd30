/**
 * The output of `strace -f -ttt -o FILE PROGRAM`:
 *
 *     17037 1795405612.551740 brk(NULL)       = 0x55e88d01a000
 *     17037 1795405612.552198 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f5025e3c000
 *     17040 1795405612.563496 clone3({flags=CLONE_VM|..., ...}, 88 <unfinished ...>
 *     17040 1795405612.563500 <... clone3 resumed>) = 17041
 *
 * The process id and the time may be missing. strace sees no page faults: which memory is used must be assumed.
 */
import {
  ADVICE,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
  ERRNO,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MLOCK_ONFAULT,
  MREMAP_DONTUNMAP,
} from "./abi.ts";
import { emptyEvent, isCall, type LineParser, type TraceEvent } from "./event.ts";
import type { ImportReport } from "./report.ts";
import { Cursor } from "./scan.ts";

const LINE =
  /^\s*(?:\[pid\s+(\d{1,10})\]\s+|(\d{1,10})\s+(?=\d|\w+\(|<|\+|-))?(?:(\d{1,12}\.\d{1,9}|\d\d:\d\d:\d\d(?:\.\d{1,9})?)\s+)?/;
const CALL = /^(\w{1,40})\((.*?)\)\s+= (-?0x[0-9a-f]+|-?\d+|\?)(?: (E[A-Z0-9]+))?/;
const UNFINISHED = /^(\w{1,40})\((.*?),?\s*<unfinished \.\.\.>/;
const RESUMED = /^<\.\.\. (\w{1,40}) resumed>(.*?)\)\s+= (-?0x[0-9a-f]+|-?\d+|\?)(?: (E[A-Z0-9]+))?/;
const THREADS_MAX = 1 << 18;

/** Numbers of the names that matter; strace prints unknown bits as numbers. */
const NAMES: Readonly<Record<string, number>> = {
  NULL: 0,
  PROT_NONE: 0,
  PROT_READ: 1,
  PROT_WRITE: 2,
  PROT_EXEC: 4,
  MAP_SHARED,
  MAP_PRIVATE: 2,
  MAP_SHARED_VALIDATE,
  MAP_DROPPABLE: 8,
  MAP_FIXED,
  MAP_ANONYMOUS,
  MAP_32BIT: 0x40,
  MAP_GROWSDOWN,
  MAP_DENYWRITE: 0x800,
  MAP_EXECUTABLE: 0x1000,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_NONBLOCK,
  MAP_STACK,
  MAP_HUGETLB,
  MAP_SYNC: 0x80000,
  MAP_FIXED_NOREPLACE,
  MREMAP_MAYMOVE: 1,
  MREMAP_FIXED: 2,
  MREMAP_DONTUNMAP,
  MLOCK_ONFAULT,
  ...Object.fromEntries(
    Object.entries(ADVICE).map(([number, advice]) => [`MADV_${advice.toUpperCase()}`, Number(number)]),
  ),
};

const CLONE_FLAGS = { CLONE_VM, CLONE_VFORK, CLONE_THREAD };

const cursor = new Cursor();

/** One printed value: `NULL`, a number, or names and numbers joined by `|`. NaN where it is something else. */
function printedValue(text: string): number {
  let value = 0;
  for (const part of text.split("|")) {
    const name = part.trim();
    const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
    if (known === undefined) {
      cursor.set(name, 0);
      const number = cursor.number();
      if (Number.isNaN(number)) return /^MAP_HUGE_/.test(name) ? value : Number.NaN;
      if (!text.includes("|")) return number;
      value |= number;
    } else value |= known;
  }
  return value;
}

/** What the call returned; an errno that makes no difference here is EPERM. */
function errnoOf(name: string): number {
  return Object.hasOwn(ERRNO, name) ? ERRNO[name as keyof typeof ERRNO] : ERRNO.EPERM;
}

function cloneFlagsOf(args: string): number {
  let flags = 0;
  for (const [name, bit] of Object.entries(CLONE_FLAGS)) if (new RegExp(`\\b${name}\\b`).test(args)) flags |= bit;
  return flags;
}

function timeOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const clock = /^(\d\d):(\d\d):(\d\d)(\.\d+)?$/.exec(text);
  const seconds = clock
    ? `${Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3])}${clock[4] ?? ".0"}`
    : text;
  cursor.set(seconds, 0);
  return cursor.seconds();
}

export function createStraceParser(report: ImportReport): LineParser {
  const event: TraceEvent = emptyEvent();
  const processOf = new Map<number, number>();
  /** Clones that have not returned yet: the thread, and whether a thread or a process is being made. */
  const cloning = new Map<number, { readonly pid: number; readonly flags: number }>();

  const processOfThread = (tid: number): number => {
    const known = processOf.get(tid);
    if (known !== undefined) return known;
    // A thread that acts before its clone has returned: the clone that was begun last made it.
    const last = [...cloning.values()].at(-1);
    const pid = last && last.flags & CLONE_THREAD ? last.pid : tid;
    if (processOf.size < THREADS_MAX) processOf.set(tid, pid);
    return pid;
  };

  const enter = (name: string, args: string, emit: (event: TraceEvent) => void): void => {
    event.kind = "enter";
    event.args.fill(Number.NaN);
    if (name.startsWith("clone") || name.endsWith("fork")) {
      const flags = name === "vfork" ? CLONE_VM : cloneFlagsOf(args);
      if (cloning.size < THREADS_MAX) cloning.set(event.tid, { pid: event.pid, flags });
      // clone3's flags are readable here: what follows sees it as a clone that has them.
      if (event.call === "clone3") event.call = "clone";
      event.args[0] = flags;
    } else if (!name.startsWith("exec")) {
      const values = args.split(",");
      for (let i = 0; i < event.args.length && i < values.length; i++) event.args[i] = printedValue(values[i].trim());
    }
    emit(event);
  };

  const exit = (name: string, result: string, errno: string | undefined, emit: (event: TraceEvent) => void): void => {
    if (result === "?") return;
    cursor.set(result, 0);
    event.ret = errno === undefined ? cursor.number() : errnoOf(errno);
    if (name.startsWith("clone") || name.endsWith("fork")) {
      const flags = cloning.get(event.tid)?.flags ?? 0;
      cloning.delete(event.tid);
      if (event.call === "clone3") event.call = "clone";
      if (event.ret > 0) {
        event.kind = "fork";
        event.childTid = event.ret;
        event.childPid = flags & CLONE_THREAD ? event.pid : event.ret;
        if (processOf.size < THREADS_MAX) processOf.set(event.childTid, event.childPid);
        emit(event);
      }
    }
    if (name.startsWith("exec") && event.ret === 0) {
      event.kind = "comm";
      event.exec = true;
      emit(event);
    }
    event.kind = "exit";
    emit(event);
  };

  return (text, line, emit) => {
    const whole = text.slice(0, 4096);
    const head = LINE.exec(whole);
    const body = whole.slice(head?.[0].length ?? 0);
    if (body === "" || body.startsWith("---") || body.startsWith("strace: ")) return;
    event.line = line;
    event.tid = Number(head?.[1] ?? head?.[2] ?? 1);
    event.pid = processOfThread(event.tid);
    event.timeNs = timeOf(head?.[3]);
    if (body.startsWith("+++")) {
      event.kind = "task-exit";
      event.childTid = event.tid;
      event.childPid = event.tid === event.pid ? event.pid : -1;
      processOf.delete(event.tid);
      cloning.delete(event.tid);
      emit(event);
      return;
    }
    const call = CALL.exec(body) ?? UNFINISHED.exec(body);
    const resumed = call ? null : RESUMED.exec(body);
    const name = call?.[1] ?? resumed?.[1];
    if (name === undefined) {
      report.problem("not_understood", line, body);
    } else if (!isCall(name)) {
      report.problem("unknown_event", line, name);
    } else {
      event.call = name;
      if (name.startsWith("exec") && call) event.comm = /^"(?:[^"]*\/)?([^"/]{1,64})"/.exec(call[2])?.[1] ?? event.comm;
      if (call) enter(name, call[2], emit);
      if (call && call[3] !== undefined) exit(name, call[3], call[4], emit);
      if (resumed) exit(name, resumed[3], resumed[4], emit);
    }
  };
}

/** Does a line look like strace's? */
export function looksLikeStrace(line: string): boolean {
  const rest = line.slice(LINE.exec(line)?.[0].length ?? 0);
  return CALL.test(rest) || UNFINISHED.test(rest) || RESUMED.test(rest) || /^(?:---|\+\+\+) /.test(rest);
}
