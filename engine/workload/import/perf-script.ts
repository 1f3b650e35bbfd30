/**
 * Lines of `perf script --ns --show-mmap-events --show-task-events --show-lost-events -F comm,pid,tid,time,event,trace`:
 *
 *     COMM PID/TID SECONDS.NNNNNNNNN: syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x04000000, ...
 *     COMM PID/TID SECONDS.NNNNNNNNN: syscalls:sys_exit_mmap: 0x7f56e2e00000
 *     COMM PID/TID SECONDS.NNNNNNNNN: raw_syscalls:sys_enter: NR 9 (0, 4000000, 3, 22, ffffffff, 0)
 *     COMM PID/TID SECONDS.NNNNNNNNN: exceptions:page_fault_user: address=0x... ip=0x... error_code=0x6
 *     COMM PID/TID SECONDS.NNNNNNNNN: PERF_RECORD_MMAP2 PID/TID: [0x...(0x...) @ ...]: rw-p NAME
 *
 * A COMM may hold spaces and slashes: the anchor is the first ` PID/TID ` that a time follows. A CPU in brackets and any
 * blanks between the fields are accepted too.
 */
import { emptyEvent, isCall, type LineParser, type TraceEvent } from "./event.ts";
import { takeFound } from "./found-event.ts";
import { isFrame, Stacks } from "./perf-stacks.ts";
import { takeRawCall } from "./raw-syscalls.ts";
import type { ImportReport } from "./report.ts";
import { Cursor, isDigit } from "./scan.ts";

const SPACE = 32;
const TAB = 9;
const COLON = 58;
const BRACKET = 91;
/** PF_WRITE of a page fault's error code (arch/x86/include/asm/trap_pf.h). */
const X86_PF_WRITE = 2;

const cursor = new Cursor();

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Reads `[CPU]` where it stands, the time and its colon into the event; the cursor is then on the event's name. */
function takeTime(event: TraceEvent): boolean {
  cursor.blanks();
  if (cursor.text.charCodeAt(cursor.at) === BRACKET) {
    cursor.at++;
    if (Number.isNaN(cursor.decimal()) || !cursor.take("]")) return false;
    cursor.blanks();
  }
  const time = cursor.seconds();
  if (Number.isNaN(time) || cursor.text.charCodeAt(cursor.at) !== COLON) return false;
  cursor.at++;
  cursor.blanks();
  event.timeNs = time;
  return true;
}

/** Finds `COMM PID/TID [CPU] TIME:`; fills pid, tid, comm and time. */
function takeHeader(text: string, event: TraceEvent): boolean {
  for (let slash = text.indexOf("/"); slash >= 0; slash = text.indexOf("/", slash + 1)) {
    let from = slash;
    while (from > 0 && isDigit(text.charCodeAt(from - 1))) from--;
    if (from === slash || !isDigit(text.charCodeAt(slash + 1))) continue;
    if (from > 0 && !isBlank(text.charCodeAt(from - 1))) continue;
    cursor.set(text, from);
    const pid = cursor.decimal();
    cursor.at = slash + 1;
    const tid = cursor.decimal();
    if (!isBlank(text.charCodeAt(cursor.at)) || !takeTime(event)) continue;
    event.pid = pid;
    event.tid = tid;
    return true;
  }
  return false;
}

const WITHOUT_PID = /^(\s*\S.*?\s)(\d{1,10})\s+(?:\[\d+\]\s+)?\d+\.\d+:\s/s;

/** The default fields of perf script have a thread but no process: taken as the process, and reported. */
function takeHeaderWithoutPid(text: string, event: TraceEvent): boolean {
  const match = WITHOUT_PID.exec(text.slice(0, 200));
  if (!match) return false;
  cursor.set(text, match[1].length);
  event.pid = cursor.decimal();
  event.tid = event.pid;
  return takeTime(event);
}

/** Reads `name: value, name: value, ...` in the order given. Missing values are NaN. */
function takeArguments(at: Cursor, args: number[]): void {
  args.fill(Number.NaN);
  for (let i = 0; i < args.length; i++) {
    const colon = at.text.indexOf(":", at.at);
    if (colon < 0) return;
    at.at = colon + 1;
    at.blanks();
    args[i] = at.number();
  }
}

/** Fills address and access of `address=0x... ip=0x... error_code=0x...`. */
export function takeFault(at: Cursor, event: TraceEvent): boolean {
  const { text } = at;
  const address = text.indexOf("address=", at.at);
  if (address < 0) return false;
  at.at = address + 8;
  event.address = at.number();
  const code = text.indexOf("error_code=", at.at);
  if (code < 0) return false;
  at.at = code + 11;
  event.write = (at.number() & X86_PF_WRITE) !== 0;
  event.kind = "fault";
  return true;
}

/** `PID/TID: [START(LENGTH) @ PGOFF MAJ:MIN INO GENERATION]: rwxp NAME` */
function takeMmap2(event: TraceEvent): boolean {
  const { text } = cursor;
  const open = text.indexOf("[", cursor.at);
  if (open < 0) return false;
  cursor.at = open + 1;
  event.address = cursor.number();
  if (!cursor.take("(")) return false;
  event.length = cursor.number();
  if (!cursor.take(") @ ")) return false;
  event.pgoff = cursor.number();
  const close = text.indexOf("]: ", cursor.at);
  if (close < 0 || close + 7 > text.length) return false;
  event.fileKey = text.slice(cursor.at, close).trim();
  const flags = text.slice(close + 3, close + 7);
  event.prot = (flags[0] === "r" ? 1 : 0) | (flags[1] === "w" ? 2 : 0) | (flags[2] === "x" ? 4 : 0);
  event.shared = flags[3] === "s";
  event.name = text.slice(close + 8);
  event.kind = "mmap2";
  return true;
}

/** ` exec: COMM:PID/TID` or `: COMM:PID/TID` */
function takeComm(event: TraceEvent): boolean {
  event.exec = cursor.take(" exec");
  if (!cursor.take(": ")) return false;
  const { text } = cursor;
  const colon = text.lastIndexOf(":");
  if (colon < cursor.at) return false;
  event.comm = text.slice(cursor.at, colon);
  cursor.at = colon + 1;
  event.pid = cursor.decimal();
  if (!cursor.take("/")) return false;
  event.tid = cursor.decimal();
  event.kind = "comm";
  return true;
}

/** `(PID:TID):(PARENT:PARENT_TID)`, of FORK and EXIT alike. */
function takeTask(event: TraceEvent, kind: "fork" | "task-exit"): boolean {
  if (!cursor.take("(")) return false;
  event.childPid = cursor.decimal();
  if (!cursor.take(":")) return false;
  event.childTid = cursor.decimal();
  if (kind === "fork") {
    if (!cursor.take("):(")) return false;
    event.pid = cursor.decimal();
    if (!cursor.take(":")) return false;
    event.tid = cursor.decimal();
  }
  event.kind = kind;
  return true;
}

/** `lost 12`, `lost 12 events` and the like. */
function takeLost(event: TraceEvent): boolean {
  const match = /lost\D{0,10}(\d{1,15})/i.exec(cursor.text.slice(cursor.at, cursor.at + 80));
  event.ret = match ? Number(match[1]) : 1;
  event.kind = "lost";
  return true;
}

function takeRecord(event: TraceEvent): boolean | null {
  if (cursor.take("MMAP2 ")) return takeMmap2(event);
  if (cursor.take("COMM")) return takeComm(event);
  if (cursor.take("FORK")) return takeTask(event, "fork");
  if (cursor.take("EXIT")) return takeTask(event, "task-exit");
  if (cursor.text.startsWith("LOST", cursor.at)) return takeLost(event);
  return null;
}

/** The call's name up to its colon; "" if there is none. */
function takeName(): string {
  const { text, at } = cursor;
  const colon = text.indexOf(":", at);
  if (colon < 0) return "";
  cursor.at = colon + 1;
  cursor.blanks();
  return text.slice(at, colon);
}

function takeCall(event: TraceEvent, kind: "enter" | "exit"): boolean | null {
  const name = takeName();
  if (!isCall(name)) return name === "" ? false : null;
  event.call = name;
  event.kind = kind;
  if (kind === "enter") takeArguments(cursor, event.args);
  else event.ret = cursor.number();
  return true;
}

function takeEvent(event: TraceEvent): boolean | null {
  if (cursor.take("exceptions:page_fault_")) return takeFault(cursor, event);
  if (cursor.take("PERF_RECORD_")) return takeRecord(event);
  if (cursor.take("syscalls:sys_enter_")) return takeCall(event, "enter");
  if (cursor.take("syscalls:sys_exit_")) return takeCall(event, "exit");
  if (cursor.take("raw_syscalls:sys_")) return takeRawCall(cursor, event);
  return null;
}

/**
 * A parser of one trace. Problems go into the report; blank lines and comments are nothing.
 */
export function createPerfParser(report: ImportReport): LineParser {
  const event = emptyEvent();
  const stacks = new Stacks();
  /** The begin of a call that was read and not given on yet: its stack may follow. */
  let held = false;
  const giveHeld = (emit: (event: TraceEvent) => void): void => {
    if (!held) return;
    held = false;
    event.stack = stacks.take();
    emit(event);
    event.stack = null;
  };
  const parse: LineParser = (text, line, emit) => {
    if (isFrame(text)) {
      if (held) stacks.frame(text);
      return;
    }
    giveHeld(emit);
    event.line = line;
    const found = text.startsWith("# ") && takeFound(text, line, event, report);
    if (found !== false) {
      if (found) emit(event);
      return;
    }
    if (!takeHeader(text, event)) {
      const trimmed = text.trim();
      if (trimmed === "" || trimmed.startsWith("#")) return;
      if (!takeHeaderWithoutPid(text, event)) {
        report.problem("not_understood", line, trimmed);
        return;
      }
      report.problem("no_process_id", line, trimmed);
    }
    const named = cursor.at;
    const taken = takeEvent(event);
    if (taken && event.kind === "enter") held = true;
    else if (taken) emit(event);
    else report.problem(taken === null ? "unknown_event" : "not_understood", line, text.slice(named, named + 100));
  };
  return Object.assign(parse, { finish: giveHeld });
}

/** The command name on a line that the parser understood. */
export function perfComm(text: string): string {
  return /^\s*(\S.*?)\s+\d+\/\d+\s+(?:\[\d+\]\s+)?\d+\.\d+:/.exec(text.slice(0, 200))?.[1] ?? "";
}

/** Does a line look like perf script's? */
export function looksLikePerf(line: string): boolean {
  return /\s\d+(?:\/\d+)?\s+(?:\[\d+\]\s+)?\d+\.\d+:\s+(?:\w+:(?:sys_(?:enter|exit)[_:]|page_fault_)|PERF_RECORD_)/.test(
    line,
  );
}
