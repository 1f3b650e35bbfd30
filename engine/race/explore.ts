/**
 * Tries every interleaving of a program's CPUs.
 *
 * Depth-first search with sleep sets (Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996):
 * of all schedules that differ only in the order of independent actions one is run. A step that concerns nothing that another
 * CPU ever touches is taken at once (a persistent set of one, see sharing.ts). Generators cannot be cloned:
 * going back means running the prefix again from a fresh start.
 *
 * *An interleaving* is counted once a class of complete schedules that are equal but for the order of independent actions
 * (a Mazurkiewicz trace). Runs that end early because all they could still do has been seen are counted apart, as `cut`.
 */

import { Cursor } from "./cursor.ts";
import { ScheduleCounter } from "./extensions.ts";
import { dependent, type Execution, type Footprint, type Program, type Violation } from "./program.ts";
import { learnSharing, type Sharing } from "./sharing.ts";

export interface Bounds {
  /** Runs at most, complete and cut. */
  readonly runs: number;
  /** Steps a run at most; beyond, the run must finish under a fair schedule. */
  readonly depth: number;
}

const DEFAULT_BOUNDS: Bounds = { runs: 5_000_000, depth: 2_000 };

export interface Progress {
  readonly interleavings: number;
  readonly runs: number;
  readonly steps: number;
}

export interface ExploreOptions {
  /**
   * Reach every state, not only every end. Without it a step that no other CPU will ever mind is taken at once: that loses no
   * end, no deadlock and no order of dependent steps, but states in which such a step is still to come are passed over.
   * Invariants that checks of a step or of the end do not cover need it.
   */
  readonly everyState?: boolean;
  readonly bounds?: Partial<Bounds>;
  /** Called every 1,024 runs; false: give up. */
  readonly onProgress?: (progress: Progress) => boolean;
  /** Called at the end of each interleaving and at each violation, with the schedule so far. */
  readonly onEnd?: (execution: Execution, violation: Violation | null, schedule: readonly number[]) => void;
  /** Count the schedules that the interleavings stand for. */
  readonly countSchedules?: boolean;
  /** Go on after the first violation, which is still the one reported. */
  readonly keepGoing?: boolean;
}

export interface Exploration {
  readonly verdict: "holds" | "broken" | "unknown";
  /** Interleavings run to their end (or to the violation). */
  readonly interleavings: number;
  /** Schedules that these stand for: every order of every step. NaN where they were not counted. */
  readonly schedules: number;
  /** Runs that ended early as all they could still do had been seen. */
  readonly cut: number;
  /** Steps taken, those that repeat a prefix included. */
  readonly steps: number;
  /** States reached, each counted once a class of schedules that lead to it. */
  readonly states: number;
  /** Steps of the longest run. */
  readonly depth: number;
  readonly violation: Violation | null;
  /** The schedule of the violation: the CPU of each step. */
  readonly schedule: readonly number[] | null;
  /** Why the search is not exhaustive; null where it is (or where it ended at a violation). */
  readonly bound: string | null;
}

const PROGRESS_EVERY = 1024;

/** By CPU: what it would read and write next, where that has been tried; null where it has not. */
type Sleep = readonly (Footprint | null)[];

/** Explores `program`. Deterministic: the same program and options give the same result. */
export function explore(program: Program, options: ExploreOptions = {}): Exploration {
  if (options.everyState === true) return search(program, options, null) as Exploration;
  // What is private is learnt: where a search finds out that it relied on too much, the next one knows better.
  const sharing = learnSharing(program);
  for (;;) {
    const result = search(program, options, sharing);
    if (result !== null) return result;
    sharing.forget();
  }
}

/** One search. Null: it relied on an object being private that turned out not to be. */
function search(program: Program, options: ExploreOptions, sharing: Sharing | null): Exploration | null {
  const bounds = { ...DEFAULT_BOUNDS, ...options.bounds };
  const cpus = program.cpus;
  const nobody: Sleep = new Array<null>(cpus).fill(null);
  // A node for each step of the current run: who went, what that read and wrote, who is left to try, and who sleeps there
  // (has been tried, there or before with nothing in between that it depends on): the footprint of what it would do.
  const chosen: number[] = [];
  const footprints: (Footprint | null)[] = [];
  const open: number[] = [];
  const asleep: Sleep[] = [];
  let interleavings = 0;
  const counter = options.countSchedules === true ? new ScheduleCounter(cpus) : null;
  let schedules = counter === null ? Number.NaN : 0;
  let cut = 0;
  let runs = 0;
  let steps = 0;
  let states = 1;
  let deepest = 0;
  let bound: string | null = null;
  let found: { violation: Violation; schedule: number[] } | null = null;

  /** Who sleeps after the last step of `chosen`, and needs not be tried. */
  const stillAsleep = (at: number, footprint: Footprint): Sleep => {
    const sleep = asleep[at];
    let still: (Footprint | null)[] | null = null;
    for (let other = 0; other < cpus; other++) {
      const would = sleep[other];
      if (would === null || other === chosen[at] || dependent(would, footprint)) continue;
      still ??= new Array<Footprint | null>(cpus).fill(null);
      still[other] = would;
    }
    return still ?? nobody;
  };

  const report = (cursor: Cursor, violation: Violation | null): void => {
    if (counter !== null) schedules += counter.count(chosen, footprints);
    options.onEnd?.(cursor.execution, violation, chosen);
    if (violation !== null && found === null) found = { violation, schedule: [...chosen] };
  };

  /** Runs on from the last node of `chosen` (whose CPU has not gone yet) to an end. */
  const runOn = (cursor: Cursor): void => {
    for (;;) {
      const at = chosen.length - 1;
      const cpu = chosen[at];
      const violation = cursor.step(cpu);
      const footprint = cursor.execution.footprint();
      footprints[at] = footprint;
      steps++;
      states++;
      if (chosen.length > deepest) deepest = chosen.length;
      if (sharing !== null) {
        sharing.record(cpu, footprint);
        if (sharing.private(cpu, footprint)) open[at] = 0;
      }
      if (violation !== null) {
        interleavings++;
        report(cursor, violation);
        return;
      }
      if (!node(cursor, stillAsleep(at, footprint), cpu)) return;
    }
  };

  /** Opens a node after `chosen`; false: the run ends here. The CPU that went last goes on if it may. */
  const node = (cursor: Cursor, sleep: Sleep, last: number): boolean => {
    const enabled = cursor.enabledMask();
    if (enabled === 0) {
      interleavings++;
      report(cursor, cursor.end());
      return false;
    }
    let candidates = enabled;
    for (let cpu = 0; cpu < cpus; cpu++) if (sleep[cpu] !== null) candidates &= ~(1 << cpu);
    if (candidates === 0) {
      cut++;
      return false;
    }
    if (chosen.length >= bounds.depth) {
      const violation = cursor.finishFairly(bounds.depth);
      steps += bounds.depth;
      interleavings++;
      if (violation === null)
        bound = `a run went on beyond ${bounds.depth} steps; later orders of its steps were not tried`;
      report(cursor, violation);
      return false;
    }
    const cpu = last >= 0 && (candidates & (1 << last)) !== 0 ? last : 31 - Math.clz32(candidates & -candidates);
    chosen.push(cpu);
    asleep.push(sleep);
    footprints.push(null);
    open.push(candidates & ~(1 << cpu));
    return true;
  };

  /** Goes back to the deepest node with a CPU to try, and chooses it; false: there is none. */
  const back = (): boolean => {
    for (let at = chosen.length - 1; at >= 0; at--) {
      const left = open[at];
      if (left === 0) continue;
      chosen.length = asleep.length = open.length = footprints.length = at + 1;
      asleep[at] = asleep[at].with(chosen[at], footprints[at]);
      chosen[at] = 31 - Math.clz32(left & -left);
      open[at] = left & (left - 1);
      return true;
    }
    return false;
  };

  let more: boolean;
  do {
    const cursor = new Cursor(program);
    if (chosen.length === 0) {
      const violation = cursor.execution.check();
      if (violation !== null) report(cursor, violation);
      else if (node(cursor, nobody, -1)) runOn(cursor);
    } else {
      cursor.replay(chosen, chosen.length - 1);
      steps += chosen.length - 1;
      runOn(cursor);
    }
    runs++;
    if (sharing?.mistaken === true) return null;
    if (found !== null && options.keepGoing !== true) break;
    more = back();
    if (more && runs >= bounds.runs) {
      bound = `stopped after ${bounds.runs} runs`;
      break;
    }
    if (runs % PROGRESS_EVERY === 0 && options.onProgress?.({ interleavings, runs, steps }) === false) {
      bound = "cancelled";
      break;
    }
  } while (more);

  // Assigned in a closure, which the compiler does not follow.
  const result = found as { violation: Violation; schedule: number[] } | null;
  return {
    verdict: result !== null ? "broken" : bound !== null ? "unknown" : "holds",
    interleavings,
    schedules,
    cut,
    steps,
    states,
    depth: deepest,
    violation: result?.violation ?? null,
    schedule: result?.schedule ?? null,
    bound: result !== null && options.keepGoing !== true ? null : bound,
  };
}
