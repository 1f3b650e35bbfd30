/** One execution under way: which CPU stands at which point, and what each step did. */

import type { Execution, Point, Program, Violation } from "./program.ts";

const NO_DEADLOCK = "no deadlock";
const RUNS_FINISH = "every run finishes";

export class Cursor {
  readonly execution: Execution;
  /** The point each CPU stands at; null: it has finished. A point is valid until its CPU's next step. */
  readonly points: (Point | null)[] = [];

  /** Starts the program: every CPU runs to its first point, which touches nothing shared. */
  constructor(program: Program) {
    this.execution = program.start();
    for (let cpu = 0; cpu < program.cpus; cpu++) this.advance(cpu, false);
  }

  private advance(cpu: number, record: boolean): void {
    this.execution.select(cpu, record);
    const result = this.execution.cpus[cpu].next();
    this.points[cpu] = result.done === true ? null : result.value;
  }

  /** May `cpu` take a step now? */
  enabled(cpu: number): boolean {
    const point = this.points[cpu];
    return point !== null && this.execution.enabled(cpu, point);
  }

  /** Bit n is set: CPU n may take a step. */
  enabledMask(): number {
    let mask = 0;
    for (let cpu = 0; cpu < this.points.length; cpu++) if (this.enabled(cpu)) mask |= 1 << cpu;
    return mask;
  }

  finished(): boolean {
    for (const point of this.points) if (point !== null) return false;
    return true;
  }

  /** `cpu` performs its action. Returns the invariant that this broke, if any. */
  step(cpu: number): Violation | null {
    try {
      this.advance(cpu, true);
    } catch (error) {
      const violation = this.execution.explain(error);
      if (violation === null) throw error;
      return violation;
    }
    return this.execution.check();
  }

  /** Repeats steps that are known to break nothing. */
  replay(schedule: ArrayLike<number>, length: number): void {
    for (let step = 0; step < length; step++) this.advance(schedule[step], false);
  }

  /** What is wrong where no CPU may go on: a deadlock, or a broken invariant of the end. */
  end(): Violation | null {
    if (this.finished()) return this.execution.finish();
    const waits = this.points.flatMap((point, cpu) =>
      point === null ? [] : [`CPU ${cpu} waits in ${point.fn} for ${point.event}`],
    );
    return { invariant: NO_DEADLOCK, detail: waits.join("; ") };
  }

  /**
   * Goes on fairly, every CPU that may in turn, for at most `steps` steps: does the run finish? Returns what went wrong.
   */
  finishFairly(steps: number): Violation | null {
    let left = steps;
    for (;;) {
      let moved = false;
      for (let cpu = 0; cpu < this.points.length; cpu++) {
        if (!this.enabled(cpu)) continue;
        moved = true;
        if (left-- === 0)
          return {
            invariant: RUNS_FINISH,
            detail: `still running after ${steps} more steps in which every CPU had its turn`,
          };
        const violation = this.step(cpu);
        if (violation !== null) return violation;
      }
      if (!moved) return this.end();
    }
  }
}
