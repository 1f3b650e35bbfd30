/**
 * The model held against a captured program: its trace is replayed, and every measured VmPTE must be one that the model
 * passes through while it was read. Calls and faults that were in flight then may have taken effect or not; where none
 * was, or none that changes a table, the value must be equal.
 */
import type { Machine } from "../experiment/machine.ts";
import { ImportError } from "./import/error.ts";
import type { Call } from "./import/event.ts";
import type { TextSource } from "./import/lines.ts";
import { eventBlocks, openTrace, type TraceFormat } from "./import/reader.ts";
import type { ImportReport } from "./import/report.ts";
import { type TraceSink, Translator } from "./import/translate.ts";
import type { Measured, MeasuredSample } from "./measured.ts";
import type { Operation } from "./operation.ts";

/** The numbers of a check, as `check --json` prints them. */
export interface CheckResult {
  /** Measured samples within the trace. */
  readonly samples: number;
  readonly explained: number;
  /** Samples for which the model allows one value only, and how many of them measured just that. */
  readonly zero_width: number;
  readonly zero_width_exact: number;
  /** How far the worst sample lies outside what the model allows. */
  readonly max_error_kb: number;
  /** Events of the trace. */
  readonly events: number;
  /** Events that the tracer lost. */
  readonly lost: number;
}

/** One sample beside what the model allows; kB. */
export interface CheckedSample {
  readonly sample: MeasuredSample;
  readonly lowKb: number;
  readonly highKb: number;
}

export interface Check {
  readonly result: CheckResult;
  /** The first few samples that are not explained. */
  readonly unexplained: readonly CheckedSample[];
}

const TABLE_KB = 4;
const SLOT = 2 ** 21;
const UNEXPLAINED_KEPT = 20;
/** VmPTE while setup_arg_pages() moves the new stack: PUD, and PMD and PTE tables at both places. */
const STACK_MOVE_KB = 5 * TABLE_KB;

interface Pending {
  readonly sample: MeasuredSample;
  low: number;
  high: number;
}

/** The sink that replays and watches the samples' windows. */
class Watch implements TraceSink {
  readonly #machine: Machine;
  readonly #samples: readonly MeasuredSample[];
  /** When each call under way began. */
  readonly #calls = new Map<number, number>();
  /** What the last fault of a thread changed, as long as nothing shows that it is over. */
  readonly #faults = new Map<number, number>();
  #next = 0;
  #pending: Pending[] = [];
  #movingStack = false;
  #exiting = false;
  readonly unexplained: CheckedSample[] = [];
  checked = 0;
  explained = 0;
  zeroWidth = 0;
  zeroWidthExact = 0;
  maxError = 0;

  constructor(machine: Machine, samples: readonly MeasuredSample[]) {
    this.#machine = machine;
    this.#samples = samples;
  }

  /** Opens the samples whose reading began before or at this time. */
  #open(timeNs: number): void {
    while (this.#next < this.#samples.length && this.#samples[this.#next].fromNs <= timeNs) {
      const sample = this.#samples[this.#next++];
      const now = this.#machine.vmpteKb();
      let low = now;
      let high = now;
      for (const change of this.#faults.values()) {
        if (change > 0) low -= change;
        else high -= change;
      }
      if (this.#movingStack) high = Math.max(high, STACK_MOVE_KB);
      if (this.#exiting) low = 0;
      this.#pending.push({ sample, low, high });
    }
  }

  /** Judges the samples whose reading ended before this time and for which nothing that was in flight is left. */
  #close(timeNs: number): void {
    if (this.#pending.length === 0) return;
    let oldest = Number.POSITIVE_INFINITY;
    for (const began of this.#calls.values()) oldest = Math.min(oldest, began);
    this.#pending = this.#pending.filter((pending) => {
      const { toNs } = pending.sample;
      if (toNs >= timeNs || oldest <= toNs) return true;
      this.#judge(pending);
      return false;
    });
  }

  #judge({ sample, low, high }: Pending): void {
    this.checked++;
    const measured = sample.vmpteKb;
    const error = Math.max(0, low - measured, measured - high);
    if (error === 0) this.explained++;
    else if (this.unexplained.length < UNEXPLAINED_KEPT) this.unexplained.push({ sample, lowKb: low, highKb: high });
    if (low === high) {
      this.zeroWidth++;
      if (error === 0) this.zeroWidthExact++;
    }
    this.maxError = Math.max(this.maxError, error);
  }

  #reach(timeNs: number): void {
    if (this.#next < this.#samples.length && this.#samples[this.#next].fromNs <= timeNs) this.#open(timeNs);
    if (this.#pending.length > 0) this.#close(timeNs);
  }

  /** A change of the model widens every sample that it may have been in flight for. */
  #widen(change: number, extra: number, beganNs: number): void {
    if (change === 0 && extra === 0) return;
    for (const pending of this.#pending) {
      if (beganNs > pending.sample.toNs) continue;
      if (change < 0) pending.low += change;
      else pending.high += change;
      pending.high += extra;
    }
  }

  seen(tid: number, timeNs: number): void {
    this.#reach(timeNs);
    this.#faults.delete(tid);
  }

  began(tid: number, timeNs: number, call: Call): void {
    this.#calls.set(tid, timeNs);
    if (call === "exit_group") {
      this.#exiting = true;
      for (const pending of this.#pending) if (timeNs <= pending.sample.toNs) pending.low = 0;
    }
  }

  ended(tid: number): void {
    this.#calls.delete(tid);
  }

  operation(operation: Operation, tid: number, timeNs: number, fault: boolean): void {
    this.#reach(timeNs);
    const before = this.#machine.vmpteKb();
    this.#machine.execute(operation);
    const change = this.#machine.vmpteKb() - before;
    if (operation.op === "exec") {
      this.#movingStack = true;
      for (const pending of this.#pending) pending.high = Math.max(pending.high, STACK_MOVE_KB);
      this.#faults.clear();
    } else if (operation.op === "mmap") this.#movingStack = false;
    if (fault) {
      if (change !== 0) this.#faults.set(tid, change);
      this.#widen(change, 0, timeNs);
    } else this.#widen(change, transientKb(operation), this.#calls.get(tid) ?? timeNs);
  }

  /** After the trace: samples taken within it are judged with what is known; later ones belong to nothing. */
  finish(endNs: number): void {
    this.#open(endNs);
    for (const pending of this.#pending) this.#judge(pending);
    this.#pending = [];
  }
}

/** How much more than before and after an operation may hold while it is under way. */
function transientKb(operation: Operation): number {
  if (operation.op !== "mremap" || operation.to === undefined) return 0;
  // Tables of the new place are made before those of the old one are freed.
  return (Math.ceil((operation.newLen ?? operation.len) / SLOT) + 3) * TABLE_KB;
}

export interface CheckInput {
  readonly trace: TextSource;
  readonly measured: Measured;
  /** A machine without any mapping, in the mode that is checked. */
  readonly machine: Machine;
  readonly report: ImportReport;
  /** The process; by default the one that was measured. */
  readonly pid?: number;
  readonly format?: TraceFormat;
}

/**
 * Checks a trace against measured samples. Throws ImportError where the trace cannot be used: it is empty, in no known
 * format, without page faults, or the process is not in it.
 */
export async function checkTrace(input: CheckInput): Promise<Check> {
  const { trace, measured, machine, report } = input;
  const { format, blocks } = await openTrace(trace, report, input.format);
  if (format === "ops" || format === "strace") {
    throw new ImportError(
      `a ${format} file shows no page faults with their times, so there is nothing to check against`,
    );
  }
  const pid = input.pid ?? measured.pid;
  if (pid === null)
    throw new ImportError("the samples do not say of which process they are (# pid N); name it with --pid");
  const watch = new Watch(machine, measured.samples);
  const translator = new Translator(watch, report, { pid });
  let endNs = 0;
  let own = 0;
  const reading = eventBlocks(blocks, format, report, (event) => {
    if (event.pid === pid) {
      own++;
      endNs = Math.max(endNs, event.timeNs);
    }
    translator.take(event);
  });
  for await (const _ of reading);
  translator.finish();
  watch.finish(endNs);
  if (own === 0) throw new ImportError(`there is no event of process ${pid} in the trace`);
  const result: CheckResult = {
    samples: watch.checked,
    explained: watch.explained,
    zero_width: watch.zeroWidth,
    zero_width_exact: watch.zeroWidthExact,
    max_error_kb: watch.maxError,
    events: report.events,
    lost: report.count("lost"),
  };
  return { result, unexplained: watch.unexplained };
}
