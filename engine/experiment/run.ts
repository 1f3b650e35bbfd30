/**
 * One run: a workload driven through one machine, in slices that give the caller a chance to store, show and cancel.
 * No clock and no randomness of its own: the samples depend on the operations and the machine alone. The caller's
 * `now` decides only how much is done between two breaths, and fills `wall_ms`.
 */
import type { Operation } from "../workload/operation.ts";
import { MIB } from "../workload/sizes.ts";
import type { Machine } from "./machine.ts";
import { samplingPlan } from "./sampling.ts";
import { Timeline } from "./timeline.ts";
import {
  DECLINED_REASONS,
  type DeclinedReason,
  type RunEvent,
  type RunProgress,
  type RunSummary,
  SAMPLE_COLUMNS,
  SAMPLE_INDEX,
  type SampleRow,
} from "./types.ts";

/** A workload's operations: one at a time, or in batches where they come from a file. */
export type OperationStream =
  | { readonly kind: "operations"; readonly operations: Iterable<Operation> }
  | { readonly kind: "batches"; readonly batches: AsyncIterable<Iterable<Operation>> };

export interface RunInput {
  readonly machine: Machine;
  readonly stream: OperationStream;
  /** How many operations will come, where it is known; it decides the sampling points and the progress. */
  readonly operationsTotal: number | null;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Awaited between slices, so that messages get in; the worker gives a turn of its event loop. */
  readonly breathe?: () => Promise<void>;
  /** Asked before every slice: true ends the run there, as cancelled. */
  readonly cancelled?: () => boolean;
  /** How long a slice may take (default: 20 ms). One operation is never divided. */
  readonly sliceMs?: number;
}

/** What one slice brought: the samples taken in it (in order) and how far the run is. */
export interface RunSlice {
  readonly samples: readonly SampleRow[];
  readonly progress: RunProgress;
}

export interface RunEnd {
  readonly outcome: "done" | "cancelled";
  readonly summary: RunSummary;
}

const WIDTH = SAMPLE_COLUMNS.length;
/** Rows of samples are cut from blocks of so many: a small array of its own costs more than filling it. */
const ROWS_PER_BLOCK = 64;
/** At most so much work (see workOf) between two looks at the clock. */
const LOOK_EVERY_MAX = 1024;

/** How much work an operation may be: one for each MiB that it covers and for each call that it stands for. */
function workOf(operation: Operation): number {
  if (operation.op === "touch") return 1 + operation.len / MIB;
  if (operation.op === "madvise") {
    return 1 + operation.len / MIB + (operation.step === undefined ? 0 : operation.len / operation.step);
  }
  return "len" in operation ? 1 + operation.len / MIB : 1;
}

const NS_PER_MS = 1e6;
/** So many forks and execs are kept of a run. */
const EVENTS_MAX = 500;
/** What a program is in the end is looked at over this share of its time at least. */
const STEADY_SHARE = 0.1;

function isRelease(operation: Operation): boolean {
  return operation.op === "madvise" && (operation.advice === "dontneed" || operation.advice === "dontneed_locked");
}

/** The parts of a run that every way of driving it shares. */
class RunState {
  readonly #input: RunInput;
  readonly #plan: ReturnType<typeof samplingPlan>;
  readonly #started: number;
  readonly #last: SampleRow = new Float64Array(WIDTH);
  #due: number;
  #samples: SampleRow[] = [];
  #block = new Float64Array(0);
  #blockUsed = 0;
  #sequence = 0;
  #sampledAt = -1;
  #lookEvery = 1;
  #peakVmpte = 0;
  #peakRss = 0;
  #vmpteKb: number;
  #emptyPteTables = 0;
  #rssKb: number;
  #timeline = new Timeline(1);
  /** Sampling points on the program's clock, in ms; unused where it has none. */
  readonly #clockPlan = samplingPlan(null);
  /** The program's clock, ns; -1: none. */
  #clock = -1;
  #sampledClock = -1;
  /** Where the last MADV_DONTNEED was, on the timeline; -1: there was none. */
  #releasedAt = -1;
  readonly #events: RunEvent[] = [];
  operations = 0;

  constructor(input: RunInput) {
    this.#input = input;
    this.#plan = samplingPlan(input.operationsTotal);
    this.#started = input.now();
    this.#due = this.#plan.next;
    this.#vmpteKb = input.machine.vmpteKb();
    this.#peakVmpte = this.#vmpteKb;
    this.#rssKb = input.machine.rssKb();
    this.#peakRss = this.#rssKb;
    this.#sampleIfDue();
  }

  #sampleIfDue(): void {
    if (this.operations < this.#due) return;
    while (this.#due <= this.operations) {
      this.#plan.advance();
      this.#due = this.#plan.next;
    }
    this.#sample();
  }

  /** The clock goes on to `at`: what is has been so until then, and long pauses are seen on the samples too. */
  #passTo(at: number): void {
    if (this.#clock < 0) {
      this.#timeline = new Timeline(NS_PER_MS);
      this.#clock = 0;
    }
    if (at <= this.#clock) return;
    this.#timeline.hold(at, this.#vmpteKb, this.#emptyPteTables, this.#rssKb);
    if (at >= this.#clockPlan.next * NS_PER_MS) {
      if (this.#sampledClock !== this.#clock || this.#sampledAt !== this.operations) this.#sample();
      while (this.#clockPlan.next * NS_PER_MS <= at) this.#clockPlan.advance();
      this.#clock = at;
      this.#sample();
    }
    this.#clock = at;
  }

  #execute(operation: Operation): void {
    const { machine } = this.#input;
    if (operation.at !== undefined) this.#passTo(operation.at);
    if (isRelease(operation)) this.#releasedAt = this.#timeline.position;
    machine.execute(operation);
    this.operations++;
    if ((operation.op === "fork" || operation.op === "exec") && this.#events.length < EVENTS_MAX)
      this.#events.push({
        what: operation.op,
        operations: this.operations,
        time_ns: this.#clock < 0 ? null : this.#clock,
      });
    const vmpteKb = machine.vmpteKb();
    const rssKb = machine.rssKb();
    this.#vmpteKb = vmpteKb;
    this.#rssKb = rssKb;
    this.#emptyPteTables = machine.emptyPteTables?.() ?? 0;
    if (vmpteKb > this.#peakVmpte) this.#peakVmpte = vmpteKb;
    if (rssKb > this.#peakRss) this.#peakRss = rssKb;
    if (this.#clock < 0) this.#timeline.hold(this.operations, vmpteKb, this.#emptyPteTables, rssKb);
    if (this.operations >= this.#due) this.#sampleIfDue();
  }

  #sample(): void {
    if (this.#blockUsed === this.#block.length) {
      this.#block = new Float64Array(ROWS_PER_BLOCK * WIDTH);
      this.#blockUsed = 0;
    }
    const row: SampleRow = this.#block.subarray(this.#blockUsed, this.#blockUsed + WIDTH);
    this.#blockUsed += WIDTH;
    this.#input.machine.sampleInto(row, this.#sequence++);
    row[SAMPLE_INDEX.operations] = this.operations;
    if (this.#clock >= 0) row[SAMPLE_INDEX.time_ns] = this.#clock;
    this.#sampledClock = this.#clock;
    this.#sampledAt = this.operations;
    this.#samples.push(row);
  }

  /** Performs operations until they end or the slice's time is up; true when they have ended. */
  perform(operations: Iterator<Operation>, until: number): boolean {
    const { now } = this.#input;
    let looked = now();
    for (;;) {
      let left = this.#lookEvery;
      while (left > 0) {
        const item = operations.next();
        if (item.done) return true;
        this.#execute(item.value);
        left -= workOf(item.value);
      }
      const time = now();
      if (time - looked < 1) this.#lookEvery = Math.min(LOOK_EVERY_MAX, this.#lookEvery * 2);
      else if (time - looked > 4) this.#lookEvery = Math.max(1, this.#lookEvery >> 2);
      looked = time;
      if (time >= until) return false;
    }
  }

  /** The samples since the last call, and the progress. */
  slice(): RunSlice {
    const samples = this.#samples;
    this.#samples = [];
    const seconds = (this.#input.now() - this.#started) / 1000;
    const operationsPerSecond = seconds > 0 ? Math.round(this.operations / seconds) : 0;
    const { operationsTotal } = this.#input;
    return { samples, progress: { operations: this.operations, operationsTotal, operationsPerSecond } };
  }

  /** Takes the last sample, where it has not just been taken. */
  finish(): void {
    if (this.#sampledAt !== this.operations) this.#sample();
  }

  #averages(): Pick<
    RunSummary,
    "average_vmpte_kb" | "average_rss_kb" | "average_empty_pte_tables" | "program_ns" | "steady"
  > {
    const timeline = this.#timeline;
    const end = timeline.position;
    const clock = this.#clock >= 0 ? { program_ns: end } : {};
    const all = timeline.averageFrom(0);
    if (all === null) return { average_vmpte_kb: this.#vmpteKb, average_rss_kb: this.#rssKb, ...clock };
    const tenth = end * (1 - STEADY_SHARE);
    const afterRelease = this.#releasedAt >= 0 && this.#releasedAt <= tenth;
    const from = afterRelease ? this.#releasedAt : tenth;
    const steady = timeline.averageFrom(from) ?? all;
    return {
      average_vmpte_kb: all.vmpteKb,
      average_rss_kb: all.rssKb,
      average_empty_pte_tables: all.emptyPteTables,
      ...clock,
      steady: {
        share: (end - from) / end,
        after_release: afterRelease,
        average_vmpte_kb: steady.vmpteKb,
        average_empty_pte_tables: steady.emptyPteTables,
      },
    };
  }

  summary(): RunSummary {
    const row = this.#last;
    const releases = this.#input.machine.releases?.();
    const blame = this.#input.machine.blame?.();
    const cost = this.#input.machine.cost?.();
    const processes = this.#input.machine.processes?.();
    this.#input.machine.sampleInto(row, this.#sequence);
    const declined = Object.fromEntries(
      DECLINED_REASONS.map((reason) => [reason, row[SAMPLE_INDEX[`declined_${reason}`]]]),
    ) as Record<DeclinedReason, number>;
    return {
      operations: this.operations,
      wall_ms: Math.round((this.#input.now() - this.#started) * 1000) / 1000,
      final: {
        vmpte_kb: row[SAMPLE_INDEX.vmpte_kb],
        pte_tables: row[SAMPLE_INDEX.pte_tables],
        pmd_tables: row[SAMPLE_INDEX.pmd_tables],
        pud_tables: row[SAMPLE_INDEX.pud_tables],
        empty_pte_tables: row[SAMPLE_INDEX.empty_pte_tables],
        rss_kb: row[SAMPLE_INDEX.rss_kb],
        virt_kb: row[SAMPLE_INDEX.virt_kb],
      },
      peak: { vmpte_kb: this.#peakVmpte, rss_kb: this.#peakRss },
      reclaimed_pte_tables: row[SAMPLE_INDEX.reclaimed_fast] + row[SAMPLE_INDEX.reclaimed_slow],
      slow_path: row[SAMPLE_INDEX.reclaimed_slow],
      declined,
      ...(cost ? { cost } : {}),
      ...this.#averages(),
      ...(releases ? { releases } : {}),
      ...(blame ? { blame } : {}),
      ...(this.#events.length > 0 ? { events: [...this.#events] } : {}),
      ...(processes ? { processes: { ...processes, largest: [...processes.largest] } } : {}),
    };
  }
}

async function* batchesOf(stream: OperationStream): AsyncGenerator<Iterable<Operation>> {
  if (stream.kind === "operations") yield stream.operations;
  else yield* stream.batches;
}

/**
 * Runs a workload. Yields a slice at least every `sliceMs` (one operation is never divided), the first one with the
 * sample before any operation; returns how it ended and the summary. What the stream or the machine throws goes to the
 * caller, who has every slice yielded so far.
 */
export async function* run(input: RunInput): AsyncGenerator<RunSlice, RunEnd> {
  const { now, breathe, cancelled, sliceMs = 20 } = input;
  const state = new RunState(input);
  yield state.slice();
  let until = now() + sliceMs;
  for await (const batch of batchesOf(input.stream)) {
    const operations = batch[Symbol.iterator]();
    for (;;) {
      if (cancelled?.()) {
        operations.return?.();
        state.finish();
        yield state.slice();
        return { outcome: "cancelled", summary: state.summary() };
      }
      const ended = state.perform(operations, until);
      if (now() >= until) {
        yield state.slice();
        await breathe?.();
        until = now() + sliceMs;
      }
      if (ended) break;
    }
  }
  state.finish();
  yield state.slice();
  return { outcome: "done", summary: state.summary() };
}
