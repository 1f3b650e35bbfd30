/**
 * Records a running program: perf from the moment its state was read (found-state.ts), its VmPTE
 * beside it. The program is not stopped; whatever dies, tracing ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { BadInputError } from "../engine/error.ts";
import { foundUntilLine } from "../engine/workload/import/found.ts";
import { countingLines, perfScript, quote } from "./capture.ts";
import {
  afterFailure,
  keepBusiest,
  makeCaptureFolder,
  notesIn,
  readingsIn,
  sweepLeftovers,
  temporaryFolder,
} from "./capture-folder.ts";
import { captureEvents, captureMeans, heard, perfWords, scriptWords } from "./capture-means.ts";
import { drained, exitOf, started } from "./child.ts";
import { CaptureError, NotStartedError } from "./errors.ts";
import { foundStates } from "./found-state.ts";
import { type Missing, missingIn, watcherFailure } from "./launched.ts";
import { PROBE_PATH } from "./locate.ts";
import { startLooker } from "./look.ts";
import { keepCaptureKernel } from "./named-profile.ts";
import { hasEnded, hiddenFacts, processesBelow } from "./processes.ts";
import { controlledPerf, type ProgramCost, programCost, tellPerf } from "./recording-cost.ts";
import { mergedByTime, type Snapshots, startSnapshots } from "./snapshots.ts";

/** So often are the pages in use looked at where page faults are not recorded, unless told otherwise, ms. */
export const DEFAULT_LIGHT_MS = 1000;

export interface AttachInput {
  readonly pid: number;
  /** Also the processes below it that run already; those that are made later are recorded in any case. */
  readonly children: boolean;
  /** Stops after this time (default: when the process exits, or on `signal`). */
  readonly seconds?: number;
  /** Ends when perf's record is so large. */
  readonly maxMb: number;
  readonly stacks: boolean;
  readonly intervalUs: number;
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Without page faults: what is in use is looked at again so many milliseconds after it was looked at (the least). */
  readonly lightMs?: number;
  /** Told when everything is being recorded. */
  readonly onRecording?: () => void;
  /** Told of each further look, with `lightMs`. */
  readonly onSnapshot?: () => void;
}

export interface AttachResult extends Missing {
  readonly folder: string;
  readonly how: "perf";
  readonly pid: number | null;
  readonly others: readonly number[];
  readonly events: number;
  readonly readings: number;
  readonly lost: number;
  /** What it cost: how long was recorded, what of it was written, how long the state took to be read. */
  readonly cost: ProgramCost & {
    readonly seconds: number;
    readonly events_per_second: number;
    readonly bytes_per_second: number;
    readonly found_ms: number;
    /** Looks at what is in use while it was recorded, with `lightMs`, and how long they took together. */
    readonly snapshots: number;
    readonly snapshots_ms: number;
    /** Of those that were there at both ends, all that they used meanwhile; null: none was. */
    readonly processor_ms: number | null;
  };
}

/** Passes a text on, and these lines after it. */
function followedBy(lines: readonly string[]): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* followed(source) {
    yield* source;
    yield Buffer.from(lines.join(""), "latin1");
  };
}

/** Of a watcher that we ended before it could heed that. */
const ASKED = 128 + constants.signals.SIGTERM;

function requireProcess(pid: number): string {
  try {
    const comm = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    if (readFileSync(`/proc/${pid}/maps`, "latin1") === "")
      throw new BadInputError(`Process ${pid} (${comm}) has no memory of its own`, {
        why: "it is a kernel thread, or has exited",
      });
    return comm;
  } catch (error) {
    if (error instanceof BadInputError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EACCES" || code === "EPERM")
      throw new CaptureError(`Process ${pid} may not be recorded`, hiddenFacts());
    throw new BadInputError(`There is no process ${pid}`, { todo: "`ps` or `reclaim-lab top` lists them" });
  }
}

/** USER_HZ, in which /proc counts. */
const TICK_MS = 10;

/** Processor time of a process so far, all its threads; null where it has ended. */
function processorMs(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return null;
  }
}

/** Errors: BadInputError for a process that is not there, CaptureError where it cannot be recorded. */
export async function attach(input: AttachInput): Promise<AttachResult> {
  const comm = requireProcess(input.pid);
  if (existsSync(input.folder))
    throw new BadInputError("The folder already exists", { where: input.folder, todo: "Choose another with --out" });
  const means = await captureMeans("perf");
  if (means.how !== "perf")
    throw new CaptureError("A running program is recorded with perf, which does not work here", {
      why: means.how === null ? means.why : "",
      todo: "Run it as root with linux-perf installed (Debian: linux-perf)",
    });
  sweepLeftovers();
  const takeAway = makeCaptureFolder(input.folder);
  let temporary: ReturnType<typeof temporaryFolder> | undefined;
  try {
    temporary = temporaryFolder();
    return await record(input, means.perf, comm, temporary.folder);
  } catch (error) {
    const failure = await afterFailure(input.folder, takeAway, error);
    if (existsSync(input.folder) || existsSync(`/proc/${input.pid}`) || error instanceof NotStartedError) throw failure;
    throw new BadInputError(`Process ${input.pid} (${comm}) ended before it could be recorded`);
  } finally {
    temporary?.remove();
  }
}

/**
 * Starts perf, ready to be told, on a process and others below it, and gives which these are. perf ends where one of them has, and is
 * started again for those that are left. Errors: CaptureError.
 */
async function startPerf(perf: string, words: readonly string[], pid: number, below: readonly number[]) {
  let pids = below;
  for (;;) {
    const recorder = controlledPerf(perf, [...words, "-p", pids.join(",")]);
    const said = heard(recorder.stderr);
    if (await tellPerf(recorder, "enable")) return { recorder, said, pids };
    const left = pids.filter((each) => !hasEnded(each));
    if (left.length === pids.length || !left.includes(pid))
      throw new CaptureError("perf ended before it recorded anything", { why: said() });
    pids = left;
  }
}

async function record(input: AttachInput, perf: string, comm: string, folder: string): Promise<AttachResult> {
  const { pid, signal } = input;
  const data = join(folder, "perf.data");
  const vmpte = join(input.folder, "vmpte.txt");
  const events = captureEvents({ stacks: input.stacks, light: input.lightMs !== undefined });
  const words = [...perfWords(events), "--max-size", `${input.maxMb}M`, "-o", data];
  const below = input.children ? processesBelow(pid) : [pid];
  const { recorder, said, pids } = await startPerf(perf, words, pid, below);
  let watcher: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  const looker = startLooker();
  let snapshots: Snapshots | undefined;
  /** Of each process that had not ended by then. */
  let until: string[] | undefined;
  const ends = (): void => {
    const now = Number(process.hrtime.bigint());
    until ??= [...new Set([...pids, ...processesBelow(pid)])]
      .filter((each) => !hasEnded(each))
      .map((each) => foundUntilLine(each, now));
  };
  // Perf ends its events one after the other: nothing is measured any more while it does.
  const stop = async (): Promise<void> => {
    ends();
    await snapshots?.end();
    watcher?.kill("SIGTERM");
    // That it failed is said when all has ended.
    if (watcher !== undefined) await exitOf(watcher).catch(() => undefined);
    recorder.kill("SIGINT");
  };
  const onAbort = (): void => void stop();
  try {
    const watching = started(
      spawn(PROBE_PATH, ["watch", vmpte, String(input.intervalUs), input.children ? "each" : "one", String(pid)], {
        stdio: ["ignore", "ignore", "pipe"],
        detached: true,
      }),
      "The probe that reads VmPTE",
    );
    watcher = watching;
    const watcherSaid = heard(watching.stderr);
    // Events without readings are not what was asked for.
    exitOf(watching).then((status) => (status === 0 || status === ASKED ? undefined : stop()), stop);
    const states = await foundStates(looker, pids, input.lightMs === undefined ? "first" : "light");
    if (!states.has(pid)) throw new CaptureError(`Process ${pid} cannot be inspected`, { why: "it has ended" });
    if (input.lightMs !== undefined)
      snapshots = startSnapshots({
        looker,
        pids: () => (input.children ? processesBelow(pid) : pids),
        everyMs: input.lightMs,
        path: join(folder, "snapshots.txt"),
        onSnapshot: input.onSnapshot ?? (() => undefined),
      });
    const began = performance.now();
    const usedBefore = new Map(pids.map((each) => [each, processorMs(each)]));
    input.onRecording?.();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    if (input.seconds !== undefined) timer = setTimeout(onAbort, input.seconds * 1000);
    await exitOf(recorder);
    ends();
    const seconds = (performance.now() - began) / 1000;
    const used = pids.flatMap((each) => {
      const [before, after] = [usedBefore.get(each) ?? null, processorMs(each)];
      return before === null || after === null ? [] : [after - before];
    });
    const looks = await snapshots?.end();
    watching.kill("SIGTERM");
    const watched = await exitOf(watching);
    await drained(watching.stderr);
    if (looks?.failed) throw looks.failed;
    if (!existsSync(data)) throw new CaptureError("perf recorded nothing", { why: said() });
    const bytes = statSync(data).size;
    const { stream, counts } = countingLines(true);
    const gzip = createGzip();
    const written = pipeline(gzip, createWriteStream(join(input.folder, "events.txt.gz")));
    for (const state of states.values()) for (const line of state.lines) gzip.write(line);
    // It may fail before it is waited for.
    written.catch(() => undefined);
    await perfScript(perf, scriptWords(data, input.stacks), (text) => {
      const last = followedBy(until ?? []);
      const read =
        looks === undefined
          ? pipeline(text, stream, last, gzip)
          : pipeline(text, stream, mergedByTime(looks.path), last, gzip);
      return Promise.all([written, read]);
    });
    if (watched !== 0 && watched !== ASKED) throw new CaptureError(...watcherFailure(watcherSaid(), watched, vmpte));
    writeFileSync(
      join(input.folder, "cmd.txt"),
      `${commandOf(pid, comm)}\nattached to ${pids.join(", ")}: ${quote([perf, "record", ...words, "-p", pids.join(",")])}\n`,
    );
    keepCaptureKernel(input.folder);
    const cost = await programCost(perf, events, counts);
    const missing = missingIn(new Map(notesIn(vmpte)));
    const others = keepBusiest(vmpte, counts.busiest);
    const found = [...states.values()];
    return {
      folder: input.folder,
      how: "perf",
      ...(await readingsIn(vmpte)),
      others,
      events: counts.events,
      lost: counts.lost,
      ...missing,
      cost: {
        seconds: Math.round(seconds * 10) / 10,
        events_per_second: Math.round(counts.events / Math.max(seconds, 0.001)),
        bytes_per_second: Math.round(bytes / Math.max(seconds, 0.001)),
        found_ms: Math.round(found.reduce((sum, { tookMs }) => sum + tookMs, 0)),
        snapshots: looks?.count ?? 0,
        snapshots_ms: Math.round(looks?.tookMs ?? 0),
        ...cost,
        processor_ms: used.length === 0 ? null : used.reduce((sum, ms) => sum + ms, 0),
      },
    };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    watcher?.kill("SIGTERM");
    await snapshots?.end();
    looker.close();
    if (recorder.exitCode === null && recorder.signalCode === null) recorder.kill("SIGTERM");
  }
}

function commandOf(pid: number, comm: string): string {
  try {
    return quote(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean));
  } catch {
    return comm;
  }
}
