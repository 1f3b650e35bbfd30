/**
 * A measured run: a workload executed by the running kernel through the probe, sampled at the same operation counts as
 * a run of the model. Operations are made one at a time and streamed; nothing is kept.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  DEFAULT_BASELINE,
  isMeasured,
  MEASURED_POLICIES,
  policyOf,
  SERIES_POLICY,
} from "../engine/experiment/policies.ts";
import type { OperationStream } from "../engine/experiment/run.ts";
import { samplingPlan } from "../engine/experiment/sampling.ts";
import {
  type Mode,
  type RunProgress,
  type RunSummary,
  SAMPLE_COLUMNS,
  SAMPLE_INDEX,
  type SampleRow,
} from "../engine/experiment/types.ts";
import type { Operation } from "../engine/workload/operation.ts";
import { started } from "./child.ts";
import { type Detected, detect } from "./detect.ts";
import { MeasuredUnavailableError, ProbeDiedError } from "./errors.ts";
import { PROBE_PATH } from "./locate.ts";
import { checkFits, floorKb } from "./memory.ts";
import { dontneedFor } from "./modes.ts";
import { END, encodeOperation, FRAME, FRAME_DOUBLES, RECORD, RECORD_DOUBLES } from "./stream-format.ts";

export interface MeasuredInput {
  readonly stream: OperationStream;
  /** How many operations will come, where it is known; it decides the sampling points. */
  readonly operationsTotal: number | null;
  readonly mode: Mode;
  /** What the process maps and touches before the workload begins; neither counted nor timed. */
  readonly image?: Iterable<Operation>;
  /** Resident peak of the workload with its page tables, in kB, where it is known (the model knows it). */
  readonly peakKb?: number;
  /** Time is processor time of the probe instead of wall time: for measuring costs on a machine that does other things too. */
  readonly cpuTime?: boolean;
  /** Aborting ends the run as cancelled within a second. */
  readonly signal?: AbortSignal;
  /** Samples in order, and the progress; awaited before more of the workload is sent. */
  readonly onSamples: (samples: readonly SampleRow[], progress: RunProgress) => void | Promise<void>;
}

export interface MeasuredEnd {
  readonly outcome: "done" | "cancelled";
  readonly summary: RunSummary;
  readonly kernel: Detected & { readonly available: true };
  /** System calls that the kernel refused, and accesses that raised a signal. */
  readonly failed: number;
  readonly faulted: number;
}

/** One piece of the stream: 8,192 operations, 320 kB. */
const PIECE_RECORDS = 8192;
const KILL_AFTER_MS = 400;

interface Frame {
  readonly operations: number;
  readonly timeNs: number;
  readonly vmpteKb: number;
  readonly rssKb: number;
  readonly virtKb: number;
  readonly failed: number;
  readonly faulted: number;
  readonly reason: number;
}

function toFrame(values: Float64Array): Frame {
  const [, operations, timeNs, vmpteKb, rssKb, virtKb, failed, faulted, reason] = values;
  return { operations, timeNs, vmpteKb, rssKb, virtKb, failed, faulted, reason };
}

function toRow(frame: Frame, seq: number): SampleRow {
  const row = new Float64Array(SAMPLE_COLUMNS.length).fill(Number.NaN);
  row[SAMPLE_INDEX.seq] = seq;
  row[SAMPLE_INDEX.operations] = frame.operations;
  row[SAMPLE_INDEX.time_ns] = frame.timeNs;
  row[SAMPLE_INDEX.vmpte_kb] = frame.vmpteKb;
  row[SAMPLE_INDEX.rss_kb] = frame.rssKb;
  row[SAMPLE_INDEX.virt_kb] = frame.virtKb;
  return row;
}

/** Collects frames from the probe's output, whatever the pieces in which it arrives. */
class Frames {
  #held: Buffer = Buffer.alloc(0);
  readonly #onFrame: (values: Float64Array) => void;

  constructor(onFrame: (values: Float64Array) => void) {
    this.#onFrame = onFrame;
  }

  take(chunk: Buffer): void {
    const size = FRAME_DOUBLES * 8;
    const all = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    for (; all.length - at >= size; at += size) {
      const values = new Float64Array(FRAME_DOUBLES);
      for (let i = 0; i < FRAME_DOUBLES; i++) values[i] = all.readDoubleLE(at + i * 8);
      this.#onFrame(values);
    }
    this.#held = all.subarray(at);
  }
}

/** Packs records and writes them in pieces, waiting where the probe is behind. */
class RecordWriter {
  readonly #probe: ChildProcess;
  readonly #ended: Promise<unknown>;
  #piece = new Float64Array(PIECE_RECORDS * RECORD_DOUBLES);
  #used = 0;

  constructor(probe: ChildProcess, ended: Promise<unknown>) {
    this.#probe = probe;
    this.#ended = ended;
  }

  /** True when the piece is full: flush before the next record. */
  get full(): boolean {
    return this.#used === this.#piece.length;
  }

  operation(operation: Operation): void {
    encodeOperation(operation, this.#piece, this.#used);
    this.#used += RECORD_DOUBLES;
  }

  mark(kind: number): void {
    this.#piece.fill(0, this.#used, this.#used + RECORD_DOUBLES);
    this.#piece[this.#used] = kind;
    this.#used += RECORD_DOUBLES;
  }

  async flush(): Promise<void> {
    const stdin = this.#probe.stdin;
    if (this.#used === 0 || stdin === null || !stdin.writable) return;
    const piece = this.#piece;
    const more = stdin.write(Buffer.from(piece.buffer, 0, this.#used * 8));
    this.#piece = new Float64Array(piece.length);
    this.#used = 0;
    if (!more) await Promise.race([once(stdin, "drain").catch(() => undefined), this.#ended]);
  }
}

/** Is measuring under this policy possible here? Errors: MeasuredUnavailableError that says why not. */
export function requireKernel(mode: Mode): Detected & { readonly available: true } {
  const kernel = detect();
  if (!kernel.available)
    throw new MeasuredUnavailableError("Measured runs are not possible on this machine", {
      why: kernel.why,
      todo: kernel.todo,
    });
  const { word } = policyOf(mode);
  if (!isMeasured(mode))
    throw new MeasuredUnavailableError(`The policy ${mode} (${word}) cannot be measured`, {
      why: "no kernel implements it",
      todo: `Measure ${MEASURED_POLICIES.join(" and ")}, and use the model for ${mode}`,
    });
  if (mode === SERIES_POLICY && !kernel.reclaims)
    throw new MeasuredUnavailableError(`The policy ${mode} (${word}) cannot be measured on this kernel`, {
      why: `Linux ${kernel.release} does not reclaim page tables in MADV_DONTNEED (it needs 6.14 with CONFIG_PT_RECLAIM)`,
      todo: `Measure ${DEFAULT_BASELINE} here (--mode ${DEFAULT_BASELINE}), and use the model for ${mode}`,
    });
  return kernel;
}

/**
 * Runs a workload on the real kernel. `time_ns` of a sample and `wall_ms` of the summary are the time spent executing
 * operations: waiting for input and sampling do not count. Page-table memory, RSS and VIRT are over and above the
 * probe's own. A peak in the summary is the highest sample.
 * Errors: MeasuredUnavailableError, MeasuredTooLargeError (before anything starts), NotStartedError, NotMeasurableError,
 * ProbeDiedError, and what the stream or `onSamples` throws.
 */
export async function runMeasured(input: MeasuredInput): Promise<MeasuredEnd> {
  const kernel = requireKernel(input.mode);
  if (input.peakKb !== undefined) checkFits(input.peakKb);

  const whole = dontneedFor(input.mode, { ptReclaim: kernel.reclaims }) === "whole";
  const words = ["stream", "--mode", whole ? "sync" : "none", "--floor-kb", String(floorKb())];
  if (input.cpuTime === true) words.push("--cpu-time");
  const probe = started(spawn(PROBE_PATH, words, { stdio: ["pipe", "pipe", "pipe"], env: {} }), "The probe");
  const state = new MeasuredState(input);
  let said = "";
  const frames = new Frames((values) => state.frame(values));
  probe.stdout.on("data", (chunk: Buffer) => frames.take(chunk));
  probe.stderr.on("data", (chunk: Buffer) => {
    if (said.length < 2000) said += chunk.toString();
  });
  // A probe that is gone shows in `closed`; writing to it then is not an error of its own.
  probe.stdin.on("error", () => undefined);
  let startError: Error | undefined;
  probe.once("error", (error) => {
    startError = error;
  });
  const closed = once(probe, "close").catch(() => undefined);

  let killer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    if (killer !== undefined) return;
    probe.kill("SIGTERM");
    killer = setTimeout(() => probe.kill("SIGKILL"), KILL_AFTER_MS);
  };
  input.signal?.addEventListener("abort", stop, { once: true });
  if (input.signal?.aborted) stop();

  try {
    const writer = new RecordWriter(probe, closed);
    await send(input, writer, state);
    await closed;
    await state.deliver();
  } finally {
    clearTimeout(killer);
    input.signal?.removeEventListener("abort", stop);
    if (probe.exitCode === null && probe.signalCode === null) probe.kill("SIGKILL");
  }

  const { end } = state;
  if (startError !== undefined) throw died(`it does not start (${startError.message})`);
  if (end?.reason === END.memory)
    throw new ProbeDiedError("The measured run was stopped: the machine runs short of memory", {
      why: `less than ${Math.round(floorKb() / 1024)} MB were left after ${end.operations} operations`,
      todo: "Make the workload smaller (--set) or free memory; the samples up to then are kept",
    });
  if (input.signal?.aborted) return state.result("cancelled", kernel);
  if (end?.reason === END.done) return state.result("done", kernel);
  throw died(
    said.trim() || (probe.signalCode === null ? `exit status ${probe.exitCode}` : `signal ${probe.signalCode}`),
  );
}

function died(why: string): ProbeDiedError {
  return new ProbeDiedError("The probe ended before the workload did", {
    why,
    todo: "The samples up to then are kept; SIGKILL mostly means that the machine ran out of memory",
  });
}

async function send(input: MeasuredInput, writer: RecordWriter, state: MeasuredState): Promise<void> {
  const stopped = (): boolean => input.signal?.aborted === true || state.end !== undefined;
  for (const operation of input.image ?? []) {
    writer.operation(operation);
    if (writer.full) await writer.flush();
  }
  writer.mark(RECORD.begin);
  const plan = samplingPlan(input.operationsTotal);
  let operations = 0;
  let sampledAt = -1;
  const sampleIfDue = async (): Promise<void> => {
    if (operations < plan.next) return;
    while (plan.next <= operations) plan.advance();
    if (writer.full) await writer.flush();
    writer.mark(RECORD.sample);
    sampledAt = operations;
  };
  await sampleIfDue();
  const { stream } = input;
  const batches = stream.kind === "operations" ? [stream.operations] : stream.batches;
  for await (const batch of batches) {
    for (const operation of batch) {
      if (writer.full) {
        await writer.flush();
        await state.deliver();
        if (stopped()) return;
      }
      writer.operation(operation);
      operations++;
      if (operations >= plan.next) await sampleIfDue();
    }
    if (stopped()) return;
  }
  if (writer.full) await writer.flush();
  if (sampledAt !== operations) writer.mark(RECORD.sample);
  if (writer.full) await writer.flush();
  writer.mark(RECORD.end);
  await writer.flush();
}

/** What has come back from the probe so far. */
class MeasuredState {
  readonly #input: MeasuredInput;
  readonly #started = performance.now();
  #waiting: SampleRow[] = [];
  #delivering: Promise<void> = Promise.resolve();
  #failure: unknown;
  #sequence = 0;
  #peakVmpte = 0;
  #peakRss = 0;
  #last: Frame | undefined;
  /** The probe's last word, once it has come. */
  end: Frame | undefined;

  constructor(input: MeasuredInput) {
    this.#input = input;
  }

  frame(values: Float64Array): void {
    const type = values[0];
    if (type !== FRAME.sample && type !== FRAME.end) return;
    const frame = toFrame(values);
    // An end that comes after the last sample repeats it.
    const repeats = type === FRAME.end && this.#last?.operations === frame.operations;
    this.#last = frame;
    this.#peakVmpte = Math.max(this.#peakVmpte, frame.vmpteKb);
    this.#peakRss = Math.max(this.#peakRss, frame.rssKb);
    if (!repeats) this.#waiting.push(toRow(frame, this.#sequence++));
    if (type === FRAME.end) this.end = frame;
    this.#delivering = this.#delivering.then(() => this.#deliverNow());
  }

  async #deliverNow(): Promise<void> {
    if (this.#waiting.length === 0 || this.#failure !== undefined) return;
    const samples = this.#waiting;
    this.#waiting = [];
    const operations = this.#last?.operations ?? 0;
    const seconds = (performance.now() - this.#started) / 1000;
    const operationsPerSecond = seconds > 0 ? Math.round(operations / seconds) : 0;
    try {
      await this.#input.onSamples(samples, {
        operations,
        operationsTotal: this.#input.operationsTotal,
        operationsPerSecond,
      });
    } catch (error) {
      this.#failure = error;
    }
  }

  /** Waits until every sample so far has been taken. Errors: what `onSamples` threw. */
  async deliver(): Promise<void> {
    await this.#delivering;
    if (this.#failure !== undefined) throw this.#failure;
  }

  result(outcome: MeasuredEnd["outcome"], kernel: MeasuredEnd["kernel"]): MeasuredEnd {
    const last = this.#last;
    return {
      outcome,
      kernel,
      failed: last?.failed ?? 0,
      faulted: last?.faulted ?? 0,
      summary: {
        operations: last?.operations ?? 0,
        wall_ms: Math.round((last?.timeNs ?? 0) / 1000) / 1000,
        final: {
          vmpte_kb: last?.vmpteKb ?? 0,
          pte_tables: null,
          pmd_tables: null,
          pud_tables: null,
          empty_pte_tables: null,
          rss_kb: last?.rssKb ?? 0,
          virt_kb: last?.virtKb ?? 0,
        },
        peak: { vmpte_kb: this.#peakVmpte, rss_kb: this.#peakRss },
        reclaimed_pte_tables: null,
        slow_path: null,
        declined: null,
        cost: null,
      },
    };
  }
}
