/** One run of a program for a trial: on the running kernel, without tracing, its page-table memory read from outside. */
import { type ChildProcess, spawn } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ReclaimLabError } from "../engine/error.ts";
import { exitWords, type TrialRun } from "../engine/experiment/trial.ts";
import { pidIn } from "./capture-folder.ts";
import { drained, exitOf, started } from "./child.ts";
import { launcherFailure, missingIn, missingInWords, notExecuted, wasUnwritten } from "./launched.ts";
import { PROBE_PATH } from "./locate.ts";

class TrialError extends ReclaimLabError {
  override readonly name: string = "TrialError";
}

export interface TrialInput {
  /** A path, then arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly intervalUs: number;
  /** Aborting ends the program and all below it. */
  readonly signal: AbortSignal;
}

export interface Reading {
  readonly atNs: number;
  readonly vmpteKb: number;
  readonly rssKb: number;
}

export interface TrialEnd {
  readonly run: TrialRun;
  /** In the order of time; `atNs` from the first one on. */
  readonly readings: readonly Reading[];
  /** What the program said last on stderr. */
  readonly said: string;
}

const SAID_MAX = 2000;
/** "At the end" is the middle reading of this last share of its time: while it exits, its memory is torn down. */
const END_SHARE = 0.05;
/** Where more of the readings could not be made, a peak may have been missed. */
const SKIPPED_SHARE = 0.01;

interface Recorded {
  readonly readings: Reading[];
  readonly notes: ReadonlyMap<string, number>;
  /** Processes that could not be ended. */
  readonly left: readonly number[];
}

async function read(path: string): Promise<Recorded> {
  const readings: Reading[] = [];
  const notes = new Map<string, number>();
  const left: number[] = [];
  let first = -1;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const note = /^# (\w+) (\d+)$/.exec(line);
    if (note) notes.set(note[1], Number(note[2]));
    if (note?.[1] === "left") left.push(Number(note[2]));
    if (line.startsWith("#")) continue;
    const [before, vmpte, rss] = line.split(" ").map(Number);
    if (first < 0) first = before;
    readings.push({ atNs: Math.round((before - first) * 1e9), vmpteKb: vmpte, rssKb: rss });
  }
  return { readings, notes, left };
}

/** Each reading holds until the next one. */
function average(readings: readonly Reading[], of: (reading: Reading) => number): number {
  const span = readings[readings.length - 1].atNs - readings[0].atNs;
  if (span === 0) return of(readings[readings.length - 1]);
  let sum = 0;
  for (let i = 1; i < readings.length; i++) sum += of(readings[i - 1]) * (readings[i].atNs - readings[i - 1].atNs);
  return sum / span;
}

function atTheEnd(readings: readonly Reading[]): number {
  const from = readings[readings.length - 1].atNs * (1 - END_SHARE);
  const last = readings.filter(({ atNs }) => atNs >= from).map(({ vmpteKb }) => vmpteKb);
  return last.toSorted((a, b) => a - b)[last.length >> 1];
}

function figures({ readings, notes }: Recorded, exitCode: number): TrialRun {
  const note = (name: string): number => notes.get(name) ?? 0;
  return {
    peak_vmpte_kb: readings.reduce((most, { vmpteKb }) => Math.max(most, vmpteKb), 0),
    end_vmpte_kb: atTheEnd(readings),
    average_vmpte_kb: Math.round(average(readings, ({ vmpteKb }) => vmpteKb) * 10) / 10,
    peak_rss_kb: readings.reduce((most, { rssKb }) => Math.max(most, rssKb), note("peak_rss_kb")),
    average_rss_kb: Math.round(average(readings, ({ rssKb }) => rssKb)),
    wall_ms: Math.round(note("wall_us") / 1000),
    cpu_ms: Math.round((note("user_us") + note("system_us")) / 1000),
    minor_faults: note("minor_faults"),
    major_faults: note("major_faults"),
    exit_code: exitCode,
  };
}

/** Names of the files that a process has mapped, and "[heap of Go]" by the place of its heap; empty where it cannot be read. */
function mappedBy(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/maps`, "utf8");
  } catch {
    return "";
  }
}

const LOOK_MS = 50;

/**
 * Runs the program to its end. `onMaps`: told what the first process has mapped, every now and then. Errors: TrialError where
 * it does not start, or its memory could not be read to its end.
 */
export async function runTrial(input: TrialInput, onMaps?: (maps: string) => void): Promise<TrialEnd> {
  const folder = mkdtempSync(join(tmpdir(), `reclaim-lab-try-${process.pid}-`));
  const out = join(folder, "vmpte.txt");
  const { command, env, cwd, intervalUs, signal } = input;
  let looking: NodeJS.Timeout | undefined;
  let launcher: ChildProcess | undefined;
  const stop = (): void => void launcher?.kill("SIGTERM");
  try {
    launcher = started(
      spawn(PROBE_PATH, ["launch", out, String(intervalUs), "sum", ...command], {
        stdio: ["ignore", "ignore", "pipe"],
        // A session of its own: a terminal's Ctrl-C comes to us, and we end it.
        detached: true,
        env,
        cwd,
      }),
      "The program's launcher",
    );
    let said = "";
    launcher.stderr?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-SAID_MAX);
    });
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    if (onMaps)
      looking = setInterval(() => {
        const pid = pidIn(out);
        if (pid !== null) onMaps(mappedBy(pid));
      }, LOOK_MS);
    const status = await exitOf(launcher);
    const begun = existsSync(out);
    const recorded = begun ? await read(out) : { readings: [], notes: new Map<string, number>(), left: [] };
    const exitCode = recorded.notes.get("exit_status") ?? status;
    if (!recorded.notes.has("exit_status")) {
      // What it has to say is perhaps not read yet.
      await drained(launcher.stderr);
      if (!begun && !wasUnwritten(said)) throw new TrialError(...notExecuted(command[0], said));
      if (!signal.aborted || wasUnwritten(said))
        throw new TrialError(...launcherFailure({ said, status, where: out, begun }));
    }
    if (recorded.left.length > 0 && signal.aborted)
      throw new TrialError("The program could not be ended, and goes on", {
        where: `process ${recorded.left.join(", ")}`,
        why: "it has the rights of another user (set-user-ID)",
        todo: "End it as that user or as root",
      });
    const missing = missingIn(recorded.notes);
    if (missing.measured_most !== null || missing.skipped + missing.denied > SKIPPED_SHARE * recorded.readings.length)
      throw new TrialError("Not all of the program's memory was measured", {
        why: missingInWords(missing).join("; "),
        todo: missing.denied > 0 ? "Try it as root" : "Raise that limit, or try it with less to do",
      });
    if (recorded.readings.length === 0 && !signal.aborted)
      throw new TrialError("The program ended before its memory could be read once", {
        why: `it ended with ${exitWords(exitCode)}${said.trim() === "" ? "" : `: ${said.trim().split("\n").at(-1)}`}`,
        todo: "Use one that runs longer",
      });
    if (recorded.readings.length === 0) recorded.readings.push({ atNs: 0, vmpteKb: 0, rssKb: 0 });
    return { run: figures(recorded, exitCode), readings: recorded.readings, said: said.trim() };
  } finally {
    clearInterval(looking);
    // What was left running has it too.
    launcher?.stderr?.destroy();
    signal.removeEventListener("abort", stop);
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // It goes with what dead trials left (sweepLeftovers); what ended this one is what is to be said.
    }
  }
}
