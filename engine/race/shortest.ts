/**
 * The counterexample that is easiest to read: fewest switches from one CPU to another, then fewest steps, then the order
 * in which CPUs are numbered. Schedules with no switch are tried first, then all with one, and so on ("iterative context
 * bounding", Musuvathi and Qadeer 2007); a state that was reached with the same CPU running is not gone into again.
 */

import { Cursor } from "./cursor.ts";
import { History } from "./history.ts";
import type { Program, Violation } from "./program.ts";

export interface Counterexample {
  readonly violation: Violation;
  /** The CPU of each step. */
  readonly schedule: readonly number[];
  /** Times that a step's CPU is not the one of the step before. */
  readonly switches: number;
}

export interface ShortestBounds {
  readonly switches: number;
  readonly depth: number;
  /** Schedules kept for the next number of switches, at most. */
  readonly frontier: number;
}

const DEFAULT: ShortestBounds = { switches: 16, depth: 2_000, frontier: 500_000 };

/** A schedule to go on from: its steps so far, then `next` goes. */
interface Start {
  readonly prefix: Uint8Array;
  readonly next: number;
}

/** The counterexample of `program` with fewest switches, or null: none within the bounds. */
export function shortestViolation(program: Program, bounds: Partial<ShortestBounds> = {}): Counterexample | null {
  const limit = { ...DEFAULT, ...bounds };
  const seen = Array.from({ length: program.cpus }, () => new Set<number>());
  let frontier: Start[] = Array.from({ length: program.cpus }, (_, cpu) => ({ prefix: new Uint8Array(0), next: cpu }));
  for (let switches = 0; switches <= limit.switches && frontier.length > 0; switches++) {
    const next: Start[] = [];
    let best: Counterexample | null = null;
    for (const start of frontier) {
      const found = runOn(program, start, seen, limit.depth, (branch) => {
        if (next.length < limit.frontier) next.push(branch);
      });
      if (found !== null && (best === null || found.schedule.length < best.schedule.length))
        best = { violation: found.violation, schedule: found.schedule, switches };
    }
    if (best !== null) return best;
    frontier = next;
  }
  return null;
}

/** Lets `start.next` run as far as it can, and reports where another CPU could take over. */
function runOn(
  program: Program,
  start: Start,
  seen: readonly Set<number>[],
  depth: number,
  branch: (start: Start) => void,
): { violation: Violation; schedule: number[] } | null {
  const cursor = new Cursor(program);
  const history = new History(program.cpus);
  const schedule = [...start.prefix];
  for (const cpu of schedule) {
    cursor.step(cpu);
    history.record(cpu, cursor.execution.footprint());
  }
  const cpu = start.next;
  let first = schedule.length > 0;
  for (;;) {
    const enabled = cursor.enabledMask();
    if (enabled === 0) {
      const violation = cursor.end();
      return violation === null ? null : { violation, schedule };
    }
    const key = history.key();
    if (!first) {
      // At a start, the ways to the other CPUs were laid when it was reached.
      for (let other = 0; other < program.cpus; other++) {
        if (other !== cpu && (enabled & (1 << other)) !== 0 && schedule.length > 0 && !seen[other].has(key))
          branch({ prefix: Uint8Array.from(schedule), next: other });
      }
    }
    first = false;
    if ((enabled & (1 << cpu)) === 0 || seen[cpu].has(key)) return null;
    seen[cpu].add(key);
    if (schedule.length >= depth) {
      const violation = cursor.finishFairly(depth);
      return violation === null ? null : { violation, schedule };
    }
    const violation = cursor.step(cpu);
    history.record(cpu, cursor.execution.footprint());
    schedule.push(cpu);
    if (violation !== null) return { violation, schedule };
  }
}
