/**
 * The text of tracefs (`trace` or `trace_pipe` of an instance with trace_clock=mono and, better, options/record-tgid):
 *
 *     python3-17027   (  16986) [000] .....  1740.026345: sys_mmap(addr: 0, len: 0x4000, prot: 3, flags: 0x22, ...)
 *     python3-17027   (  16986) [000] .....  1740.026347: sys_mmap -> 0x7f3dafa8c000
 *     bash-16982      (  16982) [000] d....  1739.927091: page_fault_user: address=0x... ip=0x... error_code=0x7
 *
 * There are no records of the mappings that execve makes; the translator assumes them where they are accessed.
 */
import { CLONE_THREAD } from "./abi.ts";
import { emptyEvent, isCall, type LineParser, type TraceEvent } from "./event.ts";
import { takeFault } from "./perf-script.ts";
import { takeRawCall } from "./raw-syscalls.ts";
import type { ImportReport } from "./report.ts";
import { Cursor } from "./scan.ts";

const THREADS_MAX = 1 << 18;

const HEADER =
  /^\s*(.{1,20}?)-(\d{1,10})\s+(?:\(\s*([\d-]+)\)\s+)?\[\d+\]\s+(?:[\w.#+!@*$]{4,8}\s+)?(\d{1,10}\.\d{1,9}): /s;
/** What the kernel prints for a thread whose name it did not save (kernel/trace/trace_sched_switch.c, trace_find_cmdline). */
const NO_NAME = "<...>";
const LOST = /\[LOST (\d{1,15}) EVENTS\]/;

/** Reads `(name: value, ...)`: hexadecimal with or without 0x, as kernels old and new print them. */
function takeTracefsArguments(cursor: Cursor, args: number[]): void {
  args.fill(Number.NaN);
  for (let i = 0; i < args.length; i++) {
    const colon = cursor.text.indexOf(": ", cursor.at);
    if (colon < 0) return;
    cursor.at = colon + 2;
    cursor.take("0x");
    args[i] = cursor.hexDigits();
  }
}

function field(body: string, name: string): number {
  const match = new RegExp(`(?:^|\\s)${name}=(\\d{1,10})`).exec(body);
  return match ? Number(match[1]) : Number.NaN;
}

export function createTracefsParser(report: ImportReport): LineParser {
  const event: TraceEvent = emptyEvent();
  const cursor = new Cursor();
  /** Threads whose process is known, where the lines do not say it. */
  const processOf = new Map<number, number>();
  /** Flags of the clone that a thread is in. */
  const cloning = new Map<number, number>();

  const takeCall = (name: string): boolean | null => {
    if (!isCall(name)) return null;
    event.call = name;
    if (cursor.take("(")) {
      event.kind = "enter";
      takeTracefsArguments(cursor, event.args);
      if (name === "clone") cloning.set(event.tid, event.args[0]);
      return true;
    }
    if (!cursor.take(" -> ")) return false;
    event.kind = "exit";
    cursor.take("0x");
    event.ret = cursor.hexDigits();
    cloning.delete(event.tid);
    return true;
  };

  const takeFork = (body: string, tgidKnown: boolean): boolean => {
    const child = field(body, "child_pid");
    if (Number.isNaN(child)) return false;
    const flags = cloning.get(event.tid) ?? 0;
    const isThread = (flags & CLONE_THREAD) !== 0;
    if (isThread && !tgidKnown && processOf.size < THREADS_MAX) processOf.set(child, event.pid);
    event.kind = "fork";
    event.childTid = child;
    event.childPid = isThread ? event.pid : child;
    return true;
  };

  const takeEvent = (text: string, tgidKnown: boolean): boolean | null => {
    if (cursor.take("page_fault_user: ") || cursor.take("page_fault_kernel: ")) return takeFault(cursor, event);
    if (cursor.take("sys_")) {
      if (text.startsWith("enter: ", cursor.at) || text.startsWith("exit: ", cursor.at)) {
        const taken = takeRawCall(cursor, event);
        if (taken && event.kind === "exit") cloning.delete(event.tid);
        else if (taken && event.call === "clone") cloning.set(event.tid, event.args[0]);
        return taken;
      }
      let at = cursor.at;
      while (at < text.length && text[at] !== "(" && text[at] !== " ") at++;
      const name = text.slice(cursor.at, at);
      cursor.at = at;
      return takeCall(name);
    }
    const body = text.slice(cursor.at, cursor.at + 400);
    if (body.startsWith("sched_process_fork: ")) return takeFork(body, tgidKnown);
    if (body.startsWith("sched_process_exec: ")) {
      event.kind = "comm";
      event.exec = true;
      if (event.comm === "") event.comm = /([^/= ]{1,15})[^/ ]* pid=/.exec(body)?.[1] ?? "";
      return true;
    }
    if (body.startsWith("sched_process_exit: ")) {
      event.kind = "task-exit";
      event.childTid = event.tid;
      event.childPid = event.tid === event.pid ? event.pid : -1;
      return true;
    }
    return null;
  };

  return (text, line, emit) => {
    const head = text.slice(0, 160);
    const match = HEADER.exec(head);
    if (!match) {
      const lost = LOST.exec(head);
      if (lost) {
        event.kind = "lost";
        event.line = line;
        event.ret = Number(lost[1]);
        emit(event);
      } else if (head.trim() !== "" && !head.trimStart().startsWith("#")) {
        report.problem("not_understood", line, head);
      }
      return;
    }
    const [, comm, tid, tgid, time] = match;
    event.line = line;
    event.comm = comm === NO_NAME ? "" : comm.trim();
    event.tid = Number(tid);
    const known = tgid !== undefined && /^\d+$/.test(tgid);
    event.pid = known ? Number(tgid) : (processOf.get(event.tid) ?? event.tid);
    cursor.set(time, 0);
    event.timeNs = cursor.seconds();
    cursor.set(text, match[0].length);
    const named = cursor.at;
    const taken = takeEvent(text, known);
    if (taken) emit(event);
    else report.problem(taken === null ? "unknown_event" : "not_understood", line, text.slice(named, named + 100));
  };
}

/** Does a line look like tracefs's? */
export function looksLikeTracefs(line: string): boolean {
  return (
    line.startsWith("# tracer: ") ||
    (HEADER.test(line) && / (?:sys_\w+(?:\(| ->)|sys_(?:enter|exit): NR |page_fault_|sched_process_)/.test(line))
  );
}
