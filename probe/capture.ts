/**
 * Records a real program: the memory system calls and page faults of it and its children, and its VmPTE beside them on
 * the same clock. A capture is a folder:
 *
 *     events.txt.gz   perf script's text, or tracefs's
 *     vmpte.txt       SECONDS-BEFORE VMPTE-KB RSS-KB THREADS SECONDS-AFTER
 *     cmd.txt         what was run, and how
 *     kernel.json     the kernel's profile, as the probe found it
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, createWriteStream, existsSync, openSync, readSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { BadInputError } from "../engine/error.ts";
import {
  afterFailure,
  busiestOf,
  keepBusiest,
  makeCaptureFolder,
  notesIn,
  pidIn,
  readingsIn,
  sweepLeftovers,
  temporaryFolder,
} from "./capture-folder.ts";
import {
  type CaptureEvent,
  captureEvents,
  captureMeans,
  heard,
  perfWords,
  programNamed,
  scriptWords,
  TRACEFS,
} from "./capture-means.ts";
import { drained, exitOf, started } from "./child.ts";
import { CaptureError } from "./errors.ts";
import { launcherFailure, type Missing, missingIn, notExecuted, wasUnwritten } from "./launched.ts";
import { PROBE_PATH } from "./locate.ts";
import { keepCaptureKernel } from "./named-profile.ts";
import { type ProgramCost, programCost } from "./recording-cost.ts";
import { makeTraceInstance } from "./trace-instance.ts";

export interface CaptureInput {
  readonly program: string;
  readonly args: readonly string[];
  /** The folder to make; it must not exist. */
  readonly folder: string;
  /** Microseconds between two readings of VmPTE (default: 2,000). */
  readonly intervalUs?: number;
  /** Default: perf if it works, else tracefs. */
  readonly how?: "perf" | "tracefs";
  /** With the call stack of every memory system call; needs perf. */
  readonly stacks?: boolean;
  /** Aborting ends the program (SIGTERM) and keeps what was recorded. */
  readonly signal?: AbortSignal;
  /** Called when the program has ended, before what was recorded is written down. */
  readonly onEnd?: () => void;
  /** Asked once the program has ended: whether to measure what recording cost, which takes a second or two. */
  readonly cost?: () => boolean;
  /** What the program writes to standard output goes to our standard error: ours is for something else. */
  readonly outputAside?: boolean;
  /** Started there and so, without a terminal: it reads nothing, and what it writes goes nowhere. */
  readonly quietly?: Surroundings;
}

interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface CaptureResult extends Missing {
  readonly folder: string;
  readonly how: "perf" | "tracefs";
  /** Of the program; 128 + N where signal N ended it. */
  readonly exitCode: number;
  readonly pid: number | null;
  /** Processes that were measured beside it, each in vmpte.txt.PID. */
  readonly others: readonly number[];
  /** Lines of events, readings of VmPTE, and notes of lost events. */
  readonly events: number;
  readonly readings: number;
  readonly lost: number;
  /** Processes that it started and that run on, recorded no longer. */
  readonly left: readonly number[];
  /** Null: it was not asked for, or recorded with tracefs, of which it is not measured. */
  readonly cost: LaunchCost | null;
}

/** What recording cost a launched program. */
interface LaunchCost extends ProgramCost {
  /** All that it used, with the processes below it; null: some of them outlive it. */
  readonly processor_ms: number | null;
}

const DEFAULT_INTERVAL_US = 2000;
/** After so long a program that was asked to end is ended. */
const PATIENCE_MS = 5000;

/**
 * Errors: BadInputError for a program that is not there or a folder that is, CaptureError where nothing can record, or what was recorded
 * ended before the program did.
 */
export async function capture(input: CaptureInput): Promise<CaptureResult> {
  const program = programNamed(input.program);
  if (is32Bit(program))
    throw new BadInputError(`${input.program} is a 32-bit program`, {
      why: "the kernel's trace events leave out the system calls of 32-bit programs",
      todo: "Record a 64-bit build of it",
    });
  if (existsSync(input.folder))
    throw new BadInputError("The folder already exists", { where: input.folder, todo: "Choose another with --out" });
  if (input.stacks && input.how === "tracefs")
    throw new BadInputError("tracefs records no call stacks", { todo: "Omit --with, or use --with perf" });
  const means = await captureMeans(input.stacks ? "perf" : input.how);
  if (means.how === null)
    throw new CaptureError("Programs cannot be recorded here", { why: means.why, todo: means.todo });
  sweepLeftovers();
  const takeAway = makeCaptureFolder(input.folder);
  const job: Job = {
    command: [program, ...input.args],
    vmpte: join(input.folder, "vmpte.txt"),
    events: join(input.folder, "events.txt.gz"),
    intervalUs: input.intervalUs ?? DEFAULT_INTERVAL_US,
    stacks: input.stacks ?? false,
    signal: input.signal,
    onEnd: input.onEnd,
    streams: input.quietly ? ["ignore", "ignore", "ignore"] : [0, input.outputAside ? 2 : 1, 2],
    quietly: input.quietly,
  };
  const recorded = means.how === "perf" ? captureWithPerf(means.perf, job) : captureWithTracefs(job);
  const done: Done = await recorded.catch(async (error: unknown) => {
    throw await afterFailure(input.folder, takeAway, error);
  });
  const { said, status } = done;
  // The launcher leaves none where the program did not replace it.
  const begun = existsSync(job.vmpte);
  if (!begun && !wasUnwritten(said)) {
    takeAway();
    throw new BadInputError(...notExecuted(input.program, said));
  }
  const notes = notesIn(job.vmpte);
  const exitCode = new Map(notes).get("exit_status");
  // A program that was asked to end may have been ended together with its launcher.
  if (exitCode === undefined && (wasUnwritten(said) || input.signal?.aborted !== true)) {
    const failure = launcherFailure({ said, status, where: job.vmpte, begun });
    throw await afterFailure(input.folder, takeAway, new CaptureError(...failure), done.events);
  }
  writeFileSync(join(input.folder, "cmd.txt"), `${quote([input.program, ...input.args])}\n${done.recorded}\n`);
  keepCaptureKernel(input.folder);
  const { events, lost } = done;
  const cost = done.costIn && input.cost?.() ? await costOf(done, done.costIn, new Map(notes)) : null;
  const left = notes.flatMap(([name, value]) => (name === "left" ? [value] : []));
  const others = keepBusiest(job.vmpte, done.busiest);
  const { pid, readings } = await readingsIn(job.vmpte);
  return {
    folder: input.folder,
    how: means.how,
    exitCode: exitCode ?? status,
    pid,
    others,
    events,
    readings,
    lost,
    ...missingIn(new Map(notes)),
    left,
    cost,
  };
}

async function costOf(
  done: Done,
  { perf, events }: NonNullable<Done["costIn"]>,
  notes: ReadonlyMap<string, number>,
): Promise<LaunchCost> {
  const [user, system] = [notes.get("user_us"), notes.get("system_us")];
  return {
    ...(await programCost(perf, events, done)),
    processor_ms: user === undefined || system === undefined ? null : Math.round((user + system) / 1000),
  };
}

/** Does the file begin as a 32-bit ELF image does (EI_CLASS is ELFCLASS32)? */
function is32Bit(path: string): boolean {
  const head = Buffer.alloc(5);
  const file = openSync(path, "r");
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  return head.toString("latin1", 0, 4) === "\x7fELF" && head[4] === 1;
}

interface Job {
  readonly command: readonly string[];
  readonly vmpte: string;
  readonly events: string;
  readonly intervalUs: number;
  readonly stacks: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onEnd: (() => void) | undefined;
  /** The program's standard input, output and error. */
  readonly streams: readonly ["ignore" | number, "ignore" | number, "ignore" | number];
  readonly quietly: Surroundings | undefined;
}

interface Done {
  /** Of the launcher, or of perf, which passes it on; and what they said, where it could be heard. */
  readonly status: number;
  readonly said: string;
  readonly events: number;
  readonly lost: number;
  readonly faults: number;
  readonly calls: number;
  /** What its cost is measured with; absent: it cannot be. */
  readonly costIn?: { readonly perf: string; readonly events: readonly CaptureEvent[] };
  /** Processes by how many events they have. */
  readonly busiest: ReadonlyMap<number, number>;
  /** How it was recorded, for cmd.txt. */
  readonly recorded: string;
}

export function quote(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}

/**
 * Asks the program to end when the capture is aborted, and ends it where it does not. `pid`: of the program; null: it is not known, or
 * cannot be signalled, then `starter` is. Returns what calls that off.
 */
function endWith(signal: AbortSignal | undefined, pid: () => number | null, starter: ChildProcess): () => void {
  const end = (name: NodeJS.Signals): void => {
    // Never 0, which would be everybody of our own group.
    const program = pid();
    try {
      if (program !== null && program > 1) process.kill(program, name);
      else starter.kill(name);
    } catch {
      // It has ended, or has another user's rights.
      starter.kill(name);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    if (timer !== undefined) return;
    end("SIGTERM");
    timer = setTimeout(() => end("SIGKILL"), PATIENCE_MS);
  };
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  };
}

/** Lines of the launcher and of what started it (but for the begin of the program's execve), and of the kernel's own image. */
const NOISE =
  /^\s*(?:reclaim-probe[\s-]+\d(?!.*sys_enter\S* (?:.*execve|NR 59\b))|perf-exec\s+0\/0\s|swapper\s+0\/0\s.*PERF_RECORD_MMAP -1\/0)/;

/** Records that perf makes up of what was there before it: of a process that ran already all of that is found otherwise. */
const BEFORE = /\s0\.000000000: PERF_RECORD_/;

/** Counts lines and notes of lost events, takes leading blanks away and leaves noise out. */
export function countingLines(attached = false): {
  stream: Transform;
  counts: { events: number; faults: number; calls: number; lost: number; busiest: Map<number, number> };
} {
  const counts = { events: 0, faults: 0, calls: 0, lost: 0, busiest: new Map<number, number>() };
  let held = "";
  /** The event at hand is left out, and its stack with it. */
  let leaveOut = false;
  const take = (line: string): string => {
    if (line.startsWith("\t")) return leaveOut || line.endsWith("([kernel.kallsyms])") ? "" : `${line}\n`;
    leaveOut = attached ? BEFORE.test(line) : NOISE.test(line);
    if (leaveOut) return "";
    if (line.includes("PERF_RECORD_LOST") || line.includes("EVENTS]")) {
      counts.lost += Number(/lost (\d+)|LOST (\d+) EVENTS/.exec(line)?.slice(1).find(Boolean) ?? 1);
    } else if (line !== "") {
      counts.events++;
      if (line.includes(" exceptions:page_fault_")) counts.faults++;
      else if (line.includes(" raw_syscalls:sys_enter")) counts.calls++;
      busiestOf(line, counts.busiest);
    }
    return `${line.trimStart()}\n`;
  };
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      const lines = (held + chunk.toString("latin1")).split("\n");
      held = lines.pop() ?? "";
      next(null, Buffer.from(lines.map(take).join(""), "latin1"));
    },
    flush(next) {
      next(null, held === "" ? undefined : Buffer.from(take(held), "latin1"));
    },
  });
  return { stream, counts };
}

function launchWords(job: Job, when: "run" | "hold"): string[] {
  return [PROBE_PATH, "launch", job.vmpte, String(job.intervalUs), when, ...job.command];
}

async function captureWithPerf(perf: string, job: Job): Promise<Done> {
  const { folder, remove } = temporaryFolder();
  const data = join(folder, "perf.data");
  // A session of its own: a terminal's Ctrl-C comes to us, and we end the program.
  const events = captureEvents({ stacks: job.stacks });
  const words = ["record", "-q", ...perfWords(events), "-o", data];
  const asScript = scriptWords(data, job.stacks);
  const [input, output, errors] = job.streams;
  try {
    const recorder = started(
      spawn(PROBE_PATH, ["tied", perf, ...words, "--", ...launchWords(job, "run")], {
        stdio: [input, output, "pipe", errors],
        detached: true,
        ...job.quietly,
      }),
      "perf record",
    );
    const said = heard(recorder.stderr);
    // The program ends first, so that the record is whole; perf ends with it.
    const calm = endWith(job.signal, () => pidIn(job.vmpte), recorder);
    const status = await exitOf(recorder).finally(calm);
    await drained(recorder.stderr);
    job.onEnd?.();
    if (!existsSync(data)) throw new CaptureError("perf recorded nothing", { why: said() });
    const { stream, counts } = countingLines();
    await perfScript(perf, asScript, (text) => pipeline(text, stream, createGzip(), createWriteStream(job.events)));
    const costIn = { perf, events };
    return {
      status,
      said: said(),
      ...counts,
      costIn,
      recorded: `${quote([perf, ...words])}\n${quote([perf, ...asScript])}`,
    };
  } finally {
    remove();
  }
}

/** Has perf's record written as text. Errors: NotStartedError, those of `write`, CaptureError where perf fails. */
export async function perfScript(
  perf: string,
  words: readonly string[],
  write: (text: Readable) => Promise<unknown>,
): Promise<void> {
  const script = started(spawn(perf, words, { stdio: ["ignore", "pipe", "ignore"] }), "perf script");
  const [ended, written] = await Promise.allSettled([exitOf(script), write(script.stdout)]);
  // What did not start has no text, and what nobody reads any more fails.
  if (ended.status === "rejected") throw ended.reason;
  if (written.status === "rejected") throw written.reason;
  if (ended.value !== 0) throw new CaptureError("perf script failed", { why: `exit status ${ended.value}` });
}

async function captureWithTracefs(job: Job): Promise<Done> {
  const { path: instance, remove } = makeTraceInstance(`${TRACEFS}/instances`);
  const events = captureEvents();
  const set = (name: string, value: string): void => writeFileSync(join(instance, name), value);
  const [file, ...args] = launchWords(job, "hold");
  try {
    set("trace_clock", "mono");
    set("buffer_size_kb", "32768");
    set("options/event-fork", "1");
    if (existsSync(join(instance, "options/record-tgid"))) set("options/record-tgid", "1");
    const launcher = started(
      spawn(file, args, { stdio: [...job.streams, "pipe"], detached: true, ...job.quietly }),
      "The program's launcher",
    );
    const telling = launcher.stdio[3] as Readable;
    const said = heard(telling);
    const pid = await pidSaid(telling, said);
    if (pid === null) {
      const status = await exitOf(launcher);
      if (!wasUnwritten(said())) throw new CaptureError("The program did not start", { why: said() || undefined });
      const failure = launcherFailure({ said: said(), status, where: job.vmpte, begun: false });
      throw new CaptureError(...failure);
    }
    set("set_event_pid", String(pid));
    for (const { name, filter } of events) {
      const event = `events/${name.replace(":", "/")}`;
      if (filter !== null) set(`${event}/filter`, filter);
      set(`${event}/enable`, "1");
    }
    const { stream, counts } = countingLines();
    const over = { yes: false };
    const text = tracePipe(join(instance, "trace_pipe"), over);
    const written = pipeline(text, stream, createGzip(), createWriteStream(job.events));
    // A disk that fails meanwhile is said when the program has ended.
    written.catch(() => undefined);
    const calm = endWith(job.signal, () => pid, launcher);
    process.kill(pid, "SIGCONT");
    const status = await exitOf(launcher).finally(calm);
    await drained(telling);
    job.onEnd?.();
    set("tracing_on", "0");
    over.yes = true;
    await written;
    return {
      status,
      said: said(),
      ...counts,
      recorded: `tracefs, trace_clock=mono, event-fork, set_event_pid=${pid}: ${events.map(({ name, filter }) => (filter === null ? name : `${name} if ${filter}`)).join(" ")}`,
    };
  } finally {
    remove();
  }
}

/** The pid that a launcher says of the program that it holds; null: it ended before that. */
async function pidSaid(telling: Readable, said: () => string): Promise<number | null> {
  for (;;) {
    const pid = /^pid (\d+)$/m.exec(said())?.[1];
    if (pid !== undefined) return Number(pid);
    if (telling.readableEnded || telling.closed) return null;
    await Promise.race([once(telling, "data"), once(telling, "close")]);
  }
}

const PIPE_WAIT_MS = 20;

/** What comes out of trace_pipe until it is `over` and empty. Never blocks: an empty pipe would hold a thread for good. */
async function* tracePipe(path: string, over: { readonly yes: boolean }): AsyncGenerator<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    for (;;) {
      const last = over.yes;
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(1 << 16)).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return { bytesRead: 0, buffer: Buffer.alloc(0) };
        throw error;
      });
      if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
      else if (last) return;
      else await new Promise((resolve) => setTimeout(resolve, PIPE_WAIT_MS));
    }
  } finally {
    await file.close();
  }
}
