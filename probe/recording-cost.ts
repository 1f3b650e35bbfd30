/**
 * What recording costs a program on this machine, measured in pairs: a process of the probe's takes faults and makes memory calls, in
 * turns with and without being recorded as the program was.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { ReclaimLabError } from "../engine/error.ts";
import { formatCount, formatPercent } from "../engine/experiment/format.ts";
import { median } from "../engine/experiment/median.ts";
import { type CaptureEvent, perfWords } from "./capture-means.ts";
import { exitOf, started } from "./child.ts";
import { KernelAnswers, startProbe } from "./conformance/kernel-answers.ts";
import { PROBE_PATH } from "./locate.ts";

const PAIRS = 9;
const PAGES = 2048;
const SIZE = `${PAGES * 4}K`;

/** Nanoseconds of the recorded program's processor time, the median of so many pairs; 0: too little to be told from noise. */
export interface RecordingCost {
  readonly pairs: number;
  /** Of a page fault; null: faults are not recorded. */
  readonly fault_ns: number | null;
  /** Of a memory system call, begin and end. */
  readonly call_ns: number;
}

/** What recording cost a program: `measured` of each event, and what that makes of the events that were recorded. */
export interface ProgramCost {
  /** Of a fault and of a call, measured on this machine; null where that failed. */
  readonly measured: RecordingCost | null;
  /** So much of the processor time of the recorded processes went into being recorded, by that. */
  readonly recording_ms: number | null;
}

/** perf with a pipe to tell it to go on and one that says that it has; ends when its parent does. Errors: NotStartedError. */
export function controlledPerf(perf: string, words: readonly string[]): ChildProcess {
  const recorder = started(
    spawn(PROBE_PATH, ["tied", perf, "record", "-q", "-D", "-1", "--control", "fd:3,4", ...words], {
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
      detached: true,
    }),
    "perf record",
  );
  // Where it ends before it is told anything its pipes break; its exit tells that.
  for (const pipe of recorder.stdio) pipe?.on("error", () => undefined);
  return recorder;
}

/** Says a word to perf and waits until it has done it; false where it has ended. Errors: NotStartedError. */
export async function tellPerf(recorder: ChildProcess, word: "enable" | "disable"): Promise<boolean> {
  const [, , , control, answers] = recorder.stdio;
  if (!control || !answers) throw new Error("perf has no pipes");
  (control as NodeJS.WritableStream).write(`${word}\n`);
  const over = new AbortController();
  const { signal } = over;
  try {
    return await Promise.race([
      once(answers, "data", { signal }).then(
        () => true,
        () => false,
      ),
      exitOf(recorder).then(() => false),
    ]);
  } finally {
    over.abort();
  }
}

/** Measures what each event of a recording costs here, and gives what so many of them cost. */
export async function programCost(
  perf: string,
  events: readonly CaptureEvent[],
  { faults, calls }: { readonly faults: number; readonly calls: number },
): Promise<ProgramCost> {
  const measured = await recordingCost(perf, events).catch((error: unknown) => {
    // What was recorded is not lost for that.
    if (error instanceof ReclaimLabError) return null;
    throw error;
  });
  if (measured === null) return { measured, recording_ms: null };
  return { measured, recording_ms: Math.round((faults * (measured.fault_ns ?? 0) + calls * measured.call_ns) / 1e6) };
}

/** Null where it cannot be measured. */
async function recordingCost(perf: string, events: readonly CaptureEvent[]): Promise<RecordingCost | null> {
  const worker = new KernelAnswers(startProbe("whole"));
  let recorder: ChildProcess | undefined;
  const spent = async (line: string): Promise<number> => {
    const used = (): number => Number(readFileSync(`/proc/${worker.pid}/schedstat`, "utf8").split(" ", 1)[0]);
    const before = used();
    await worker.hold([line]);
    return used() - before;
  };
  try {
    recorder = controlledPerf(perf, [...perfWords(events), "-o", "/dev/null", "-p", String(worker.pid)]);
    await worker.hold([`map 0 ${SIZE} nohugepage`, `touch 0 ${SIZE}`]);
    const differences = { faults: [] as number[], calls: [] as number[] };
    for (let pair = 0; pair < PAIRS; pair++) {
      const took: Record<"calls" | "faults", number>[] = [];
      for (const word of ["disable", "enable"] as const) {
        if (!(await tellPerf(recorder, word))) return null;
        took.push({ calls: await spent(`dontneed_step 0 ${SIZE} 4K`), faults: await spent(`touch 0 ${SIZE}`) });
      }
      const [alone, recorded] = took;
      for (const what of ["calls", "faults"] as const) differences[what].push((recorded[what] - alone[what]) / PAGES);
    }
    const cost = (what: "calls" | "faults"): number => Math.max(0, Math.round(median(differences[what])));
    const hasFaults = events.some(({ name }) => name.startsWith("exceptions:"));
    return { pairs: PAIRS, fault_ns: hasFaults ? cost("faults") : null, call_ns: cost("calls") };
  } finally {
    recorder?.kill("SIGTERM");
    await worker.close();
  }
}

const inMicroseconds = (ns: number): string =>
  ns === 0 ? "nothing that could be measured" : `${(ns / 1000).toFixed(1)} \u00b5s`;

/** As a clause of what it cost. `processor_ms`: all that the recorded processes used; null: not known. */
export function costInWords({
  measured,
  recording_ms,
  processor_ms: usedMs,
}: ProgramCost & { readonly processor_ms: number | null }): string {
  if (measured === null || recording_ms === null)
    return "what recording cost the program could not be measured; `npm run bench capture` measures it for programs of its own";
  const { pairs, fault_ns, call_ns } = measured;
  const each = [
    ...(fault_ns === null ? [] : [`${inMicroseconds(fault_ns)} a fault`]),
    `${inMicroseconds(call_ns)} a call`,
  ];
  const share =
    usedMs === null || usedMs < 100
      ? ""
      : `, ${formatPercent(recording_ms / usedMs)} of the ${formatCount(usedMs)} ms that it used`;
  const lostInNoise = fault_ns === 0 || call_ns === 0;
  const spent =
    recording_ms > 0
      ? `some ${formatCount(recording_ms)} ms of processor time`
      : lostInNoise
        ? "too little processor time to be measured"
        : "less than 1 ms of processor time";
  return `recording cost the program ${spent}${share}: ${each.join(", ")}, measured in ${pairs} pairs on this machine`;
}
