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
import {
  closeSync,
  constants,
  createWriteStream,
  existsSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { constants as osConstants } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { BadInputError } from "../engine/error.ts";
import {
  afterFailure,
  busiestOf,
  guarded,
  keepBusiest,
  makeCaptureFolder,
  notesIn,
  readingsIn,
  sweepLeftovers,
  temporaryFolder,
} from "./capture-folder.ts";
import {
  type CaptureEvent,
  captureEvents,
  captureMeans,
  findProgram,
  heard,
  perfWords,
  scriptWords,
  TRACEFS,
} from "./capture-means.ts";
import { CaptureError } from "./errors.ts";
import { PROBE_PATH } from "./locate.ts";
import { keepCaptureKernel } from "./named-profile.ts";
import { type ProgramCost, programCost } from "./recording-cost.ts";
import { makeTraceInstance } from "./trace-instance.ts";
import { pidIn } from "./trial.ts";

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

export interface CaptureResult {
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

/** Errors: BadInputError for a program that is not there or a folder that is, CaptureError where nothing can record. */
export async function capture(input: CaptureInput): Promise<CaptureResult> {
  const program = findProgram(input.program);
  if (program === undefined)
    throw new BadInputError(`There is no program ${input.program}`, { todo: "Give its path, or one that PATH finds" });
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
  // The launcher begins it once the program has replaced it.
  if (!existsSync(job.vmpte)) {
    takeAway();
    throw new BadInputError(`${input.program} does not start`, {
      why: "the kernel does not execute it, or its interpreter is not there",
      todo: "Try it in a shell",
    });
  }
  writeFileSync(join(input.folder, "cmd.txt"), `${quote([input.program, ...input.args])}\n${done.recorded}\n`);
  keepCaptureKernel(input.folder);
  const { exitCode, events, lost } = done;
  const cost = done.costIn && input.cost?.() ? await costOf(done, done.costIn, job.vmpte) : null;
  const left = notesIn(job.vmpte).flatMap(([name, value]) => (name === "left" ? [value] : []));
  const others = keepBusiest(job.vmpte, done.busiest);
  const { pid, readings } = await readingsIn(job.vmpte);
  return { folder: input.folder, how: means.how, exitCode, pid, others, events, readings, lost, left, cost };
}

/** `vmpte`: as the launcher left it, with its notes. */
async function costOf(done: Done, { perf, events }: NonNullable<Done["costIn"]>, vmpte: string): Promise<LaunchCost> {
  const notes = new Map(notesIn(vmpte));
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
  readonly exitCode: number;
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

/** Asks a process to end when the capture is aborted, and ends it where it does not. Returns what calls that off. */
function endWith(signal: AbortSignal | undefined, end: (name: NodeJS.Signals) => void): () => void {
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

export async function exitOf(child: ChildProcess): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode ?? 128 + (child.signalCode === null ? 0 : osConstants.signals[child.signalCode]);
}

function launchWords(job: Job, when: "run" | "hold"): string[] {
  return [PROBE_PATH, "launch", job.vmpte, String(job.intervalUs), when, ...job.command];
}

async function captureWithPerf(perf: string, job: Job): Promise<Done> {
  const folder = temporaryFolder();
  const guard = guarded(folder);
  const data = join(folder, "perf.data");
  // A session of its own: a terminal's Ctrl-C comes to us, and we end the program.
  const events = captureEvents({ stacks: job.stacks });
  const words = ["record", "-q", ...perfWords(events), "-o", data];
  const asScript = scriptWords(data, job.stacks);
  const [input, output, errors] = job.streams;
  try {
    const recorder = spawn(PROBE_PATH, ["tied", perf, ...words, "--", ...launchWords(job, "run")], {
      stdio: [input, output, "pipe", errors],
      detached: true,
      ...job.quietly,
    });
    const said = heard(recorder.stderr);
    // The program ends first, so that the record is whole; perf ends with it.
    const calm = endWith(job.signal, (name) => {
      // Never 0, which would be everybody of our own group.
      const pid = pidIn(job.vmpte);
      try {
        if (pid !== null && pid > 1) process.kill(pid, name);
        else recorder.kill(name);
      } catch {
        recorder.kill(name);
      }
    });
    const exitCode = await exitOf(recorder);
    calm();
    job.onEnd?.();
    if (!existsSync(data)) throw new CaptureError("perf recorded nothing", { why: said() });
    const { stream, counts } = countingLines();
    const script = spawn(perf, asScript, { stdio: ["ignore", "pipe", "ignore"] });
    await pipeline(script.stdout, stream, createGzip(), createWriteStream(job.events));
    const status = await exitOf(script);
    if (status !== 0) throw new CaptureError("perf script failed", { why: `exit status ${status}` });
    const costIn = { perf, events };
    return {
      exitCode,
      ...counts,
      costIn,
      recorded: `${quote([perf, ...words])}\n${quote([perf, ...asScript])}`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    guard();
  }
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
    const launcher = spawn(file, args, {
      stdio: [...job.streams, "pipe"],
      detached: true,
      ...job.quietly,
    });
    const said = createInterface({ input: launcher.stdio[3] as Readable });
    const [first] = (await Promise.race([once(said, "line"), once(launcher, "exit")])) as [unknown];
    const pid = /^pid (\d+)$/.exec(String(first))?.[1];
    if (pid === undefined) throw new CaptureError("The program did not start");
    set("set_event_pid", pid);
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
    const calm = endWith(job.signal, (name) => process.kill(Number(pid), name));
    process.kill(Number(pid), "SIGCONT");
    const exitCode = await exitOf(launcher);
    calm();
    job.onEnd?.();
    set("tracing_on", "0");
    over.yes = true;
    await written;
    return {
      exitCode,
      ...counts,
      recorded: `tracefs, trace_clock=mono, event-fork, set_event_pid=${pid}: ${events.map(({ name, filter }) => (filter === null ? name : `${name} if ${filter}`)).join(" ")}`,
    };
  } finally {
    remove();
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
