/**
 * Which values of VmPTE the model allows for each measured sample: a window from the least to the most that it can have had
 * while it was read. A call may have acted at any time between its begin and end, a fault from its begin to the next event of
 * its thread.
 *
 * A thread that sleeps right after a fault leaves no event, and would keep its fault in flight for good. So there are two
 * windows: the near one takes faults as over after FAULT_MS_MAX, the far one never does. A sample is explained by either;
 * zero width is the near one's, and counts as exact only where that one explains the sample.
 */
import type { Machine } from "../experiment/machine.ts";
import { HugeFiles } from "./huge-files.ts";
import type { Call } from "./import/event.ts";
import type { TraceSink } from "./import/trace-sink.ts";
import type { MeasuredSample, MeasuredSamples } from "./measured.ts";
import type { Operation, SnapshotOp } from "./operation.ts";
import { PAGE, SLOT, TABLE_KB } from "./sizes.ts";

/** One sample beside what the model allows; kB. */
export interface CheckedSample {
  readonly sample: MeasuredSample;
  readonly lowKb: number;
  readonly highKb: number;
}

const UNEXPLAINED_KEPT = 20;
/** VmPTE while setup_arg_pages() moves the new stack: PUD, and PMD and PTE tables at both places. */
const STACK_MOVE_KB = 5 * TABLE_KB;
/** Nearly every fault is over after so long; where the page comes from a slow disk, or nobody gives it the processor, it is not. */
const FAULT_MS_MAX = 50;

interface Pending {
  readonly sample: MeasuredSample;
  low: number;
  high: number;
  /** How much further the far window reaches at either end. */
  farBelow: number;
  farAbove: number;
}

interface Fault {
  readonly change: number;
  readonly beganNs: number;
}

/** Replays a trace's operations on a machine and judges each sample as soon as its window is known. */
export class Windows implements TraceSink {
  readonly #machine: Machine;
  readonly #samples: MeasuredSamples;
  /** When each call under way began. */
  readonly #calls = new Map<number, { readonly call: Call; readonly beganNs: number }>();
  /** What the last fault of a thread changed, as long as nothing shows that it is over. */
  readonly #faults = new Map<number, Fault>();
  /** The first sample that is not opened yet. */
  #next = 0;
  #upcoming: MeasuredSample | undefined;
  #pending: Pending[] = [];
  #movingStack = false;
  #exiting = false;
  /** Tables that the model has and that a call on hidden ranges may have freed. */
  #hiddenGone = 0;
  /** What a collapse that ended in EAGAIN may have left of the tables that the model freed for it. */
  #leftKb = 0;
  /** Mappings that may have ended unseen, and what was allocated for accesses to them. */
  #unsure: { readonly start: number; readonly end: number; kb: number }[] = [];
  readonly #hugeFiles = new HugeFiles();
  /** Tables of a process that ran already of which it is not known where they are: at least and at most so many. */
  #unknownLow = 0;
  #unknownHigh = 0;
  /** The process ran already, and the first sample that is sure says how many there are. */
  #calibrating = false;
  /** Slots of 2 MiB in which the model has had a table. */
  #seenSlots = new Set<number>();
  /** It ran already: where its mappings were, page tables may have been. */
  #ranAlready = false;
  /** What it is is being given: no sample is looked at before that is over. */
  #finding = false;
  readonly unexplained: CheckedSample[] = [];
  checked = 0;
  explained = 0;
  byAllowance = 0;
  zeroWidth = 0;
  zeroWidthExact = 0;
  maxError = 0;

  constructor(machine: Machine, samples: MeasuredSamples) {
    this.#machine = machine;
    this.#samples = samples;
    this.#upcoming = samples.at(0);
  }

  /** The next sample whose reading began before or at this time, each once. */
  #taken(timeNs: number): MeasuredSample | undefined {
    const sample = this.#upcoming;
    if (sample === undefined || sample.fromNs > timeNs) return undefined;
    this.#upcoming = this.#samples.at(++this.#next);
    return sample;
  }

  /** Opens the samples whose reading began before or at this time. */
  #open(timeNs: number): void {
    for (let sample = this.#taken(timeNs); sample !== undefined; sample = this.#taken(timeNs)) {
      const now = this.#machine.vmpteKb() - this.#hugeFiles.missingKb;
      const pending = {
        sample,
        low: now + this.#unknownLow * TABLE_KB,
        high: now + this.#unknownHigh * TABLE_KB,
        farBelow: this.#mayBeGoneKb(),
        farAbove: this.#leftKb,
      };
      for (const { change, beganNs } of this.#faults.values()) {
        const near = sample.fromNs - beganNs <= FAULT_MS_MAX * 1e6;
        if (change > 0) {
          if (near) pending.low -= change;
          else pending.farBelow += change;
        } else if (near) pending.high -= change;
        else pending.farAbove -= change;
      }
      if (this.#movingStack) pending.high = Math.max(pending.high, STACK_MOVE_KB);
      if (this.#exiting) pending.low = 0;
      this.#pending.push(pending);
    }
  }

  #mayBeGoneKb(): number {
    return this.#unsure.reduce((sum, { kb }) => sum + kb, this.#hiddenGone * TABLE_KB + this.#hugeFiles.kb);
  }

  /** Judges the samples whose reading ended before this time and for which nothing that was in flight is left. */
  #close(timeNs: number): void {
    if (this.#pending.length === 0) return;
    let oldest = Number.POSITIVE_INFINITY;
    for (const { beganNs } of this.#calls.values()) oldest = Math.min(oldest, beganNs);
    this.#pending = this.#pending.filter((pending) => {
      const { toNs } = pending.sample;
      if (toNs >= timeNs || oldest <= toNs) return true;
      this.#judge(pending);
      return false;
    });
  }

  /** The first sample that nothing was in flight for tells how many tables there are beside those that are known. */
  #calibrate({ sample, low, high }: Pending): void {
    if (low !== high) return;
    const unknown = Math.max(0, Math.round((sample.vmpteKb - low) / TABLE_KB));
    this.#calibrating = false;
    this.#unknownLow = unknown;
    this.#unknownHigh = unknown;
    for (const pending of this.#pending) {
      pending.low += unknown * TABLE_KB;
      pending.high += unknown * TABLE_KB;
    }
  }

  #noteFound({ addr, pages, empty }: SnapshotOp): void {
    for (const runs of [pages, empty])
      for (let i = 0; i + 1 < runs.length; i += 2) {
        const from = Math.floor((addr + runs[i] * PAGE) / SLOT);
        const to = Math.ceil((addr + (runs[i] + runs[i + 1]) * PAGE) / SLOT);
        for (let slot = from; slot < to; slot++) this.#seenSlots.add(slot);
      }
  }

  /** So many of the tables that are not known may be what the operation made or freed: they may have been there, or not. */
  #settleUnknown(operation: Operation, change: number): void {
    if (operation.op === "touch") {
      const first = Math.floor(operation.addr / SLOT);
      const fresh = !this.#seenSlots.has(first) && change > 0;
      this.#seenSlots.add(first);
      if (!fresh) return;
      this.#loosen(Math.round(change / TABLE_KB));
    } else if (operation.op === "munmap" || operation.op === "mremap") {
      this.#loosen(Math.ceil(operation.len / SLOT) + 1);
    } else if (operation.op === "madvise" && operation.len >= SLOT) this.#loosen(Math.ceil(operation.len / SLOT));
  }

  #loosen(tables: number): void {
    const before = this.#unknownLow;
    this.#unknownLow = Math.max(0, before - tables);
    for (const pending of this.#pending) pending.low -= (before - this.#unknownLow) * TABLE_KB;
  }

  /** So many tables fewer than the model has: where as many may be huge pages of files, they are from now on. */
  #learnHuge(tables: number): boolean {
    if (!Number.isInteger(tables) || !this.#hugeFiles.learn(tables)) return false;
    for (const pending of this.#pending) {
      pending.low -= tables * TABLE_KB;
      pending.high -= tables * TABLE_KB;
    }
    return true;
  }

  #judge(judged: Pending): void {
    if (this.#calibrating) {
      this.#calibrate(judged);
      return;
    }
    const { sample, low, high, farBelow, farAbove } = judged;
    this.checked++;
    const measured = sample.vmpteKb;
    if (low === high) {
      if (measured === low) this.#hugeFiles.confirm();
      else if (measured < low && this.#learnHuge((low - measured) / TABLE_KB)) {
        this.explained++;
        this.byAllowance++;
        return;
      }
    }
    const near = Math.max(0, low - measured, measured - high);
    const error = Math.max(0, low - farBelow - measured, measured - high - farAbove);
    if (error === 0) {
      this.explained++;
      if (near > 0) this.byAllowance++;
    } else if (this.unexplained.length < UNEXPLAINED_KEPT) this.unexplained.push({ sample, lowKb: low, highKb: high });
    if (low === high && (near === 0 || error > 0)) {
      this.zeroWidth++;
      if (near === 0) this.zeroWidthExact++;
    }
    this.maxError = Math.max(this.maxError, error);
  }

  #reach(timeNs: number): void {
    if (this.#finding) return;
    if (this.#upcoming !== undefined && this.#upcoming.fromNs <= timeNs) this.#open(timeNs);
    if (this.#pending.length > 0) this.#close(timeNs);
  }

  /** A change of the model, which passed through so much less and more, widens every sample that it may have been in flight for. */
  #widen(below: number, above: number, beganNs: number): void {
    if (below === 0 && above === 0) return;
    for (const pending of this.#pending) {
      if (beganNs > pending.sample.toNs) continue;
      pending.low -= below;
      pending.high += above;
    }
  }

  seen(tid: number, timeNs: number): void {
    this.#reach(timeNs);
    this.#faults.delete(tid);
  }

  began(tid: number, timeNs: number, call: Call): void {
    this.#calls.set(tid, { call, beganNs: timeNs });
    if (call === "exit_group") {
      this.#exiting = true;
      for (const pending of this.#pending) if (timeNs <= pending.sample.toNs) pending.low = 0;
    }
  }

  ended(tid: number): void {
    this.#calls.delete(tid);
  }

  finding(): void {
    this.#finding = true;
  }

  found(timeNs: number): void {
    this.#finding = false;
    while (this.#taken(timeNs) !== undefined);
    this.#pending = [];
    this.#calibrating = true;
    this.#ranAlready = true;
  }

  unsure(start: number, end: number): void {
    this.#unsure.push({ start, end, kb: 0 });
  }

  #noteUnsure(operation: Operation, change: number): void {
    if (operation.op === "touch" && change > 0) {
      const within = this.#unsure.find(({ start, end }) => operation.addr >= start && operation.addr < end);
      if (within) within.kb += change;
    } else if (operation.op === "munmap" || operation.op === "mmap") {
      const { addr, len } = operation;
      this.#unsure = this.#unsure.filter(({ start, end }) => addr > start || addr + len < end);
    }
  }

  hidden(tablesGone: number, tid: number): void {
    this.#hiddenGone += tablesGone;
    const beganNs = this.#calls.get(tid)?.beganNs ?? 0;
    for (const pending of this.#pending) if (beganNs <= pending.sample.toNs) pending.farBelow += tablesGone * TABLE_KB;
  }

  operation(operation: Operation, tid: number, timeNs: number, fault: boolean): void {
    this.#reach(timeNs);
    const before = this.#machine.vmpteKb();
    this.#machine.execute(operation);
    const change = this.#machine.vmpteKb() - before;
    if (operation.op === "exec") {
      this.#executed(change, tid, timeNs);
      return;
    }
    if (operation.op === "snapshot") {
      this.#noteFound(operation);
      return;
    }
    if (this.#ranAlready && this.#unknownHigh > 0) this.#settleUnknown(operation, change);
    if (operation.op === "mmap") this.#movingStack = false;
    this.#hugeFiles.note(operation, change);
    if (this.#unsure.length > 0) this.#noteUnsure(operation, change);
    if (fault) {
      if (change !== 0) this.#faults.set(tid, { change, beganNs: timeNs });
      this.#widen(Math.max(0, -change), Math.max(0, change), timeNs);
      return;
    }
    if (operation.op === "madvise" && operation.answered === "EAGAIN") this.#leftKb += Math.max(0, -change);
    const least = Math.min(before, before + change, this.#machine.leastKb?.() ?? before);
    const most = Math.max(0, change) + transientKb(operation);
    this.#widen(before - least, most, this.#calls.get(tid)?.beganNs ?? timeNs);
  }

  /**
   * The address space is a new one: it has been since some time after the execve began, of whichever thread (the one that
   * calls it takes the place of the first). The other threads are gone, and with them what they were in.
   */
  #executed(change: number, tid: number, timeNs: number): void {
    let beganNs = timeNs;
    for (const { call, beganNs: began } of this.#calls.values())
      if (call === "execve" || call === "execveat") beganNs = Math.min(beganNs, began);
    this.#widen(Math.max(0, -change), Math.max(0, change), beganNs);
    for (const pending of this.#pending) pending.high = Math.max(pending.high, STACK_MOVE_KB);
    this.#movingStack = true;
    this.#hiddenGone = 0;
    this.#leftKb = 0;
    this.#unsure = [];
    this.#unknownLow = 0;
    this.#unknownHigh = 0;
    this.#calibrating = false;
    this.#ranAlready = false;
    this.#hugeFiles.clear();
    this.#faults.clear();
    this.#calls.clear();
    this.#calls.set(tid, { call: "execve", beganNs: timeNs });
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
