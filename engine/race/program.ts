/**
 * What the explorer explores: a few CPUs that run generators over shared state.
 *
 * A generator yields a point *before* each action that another CPU could see or be affected by; resuming it performs that
 * one action and runs on, touching nothing shared, to the next point. The point says which objects the action reads or
 * writes: that is all the search knows about the program, and all that its reduction rests on.
 */

/** The action a CPU is about to perform. `object2` is 0 where the action touches one object only. */
export interface Point {
  /** The function that is about to act. */
  readonly fn: string;
  readonly event: string;
  readonly object: number;
  readonly write: boolean;
  readonly object2: number;
  readonly write2: boolean;
}

/** A broken invariant: its name, and what was seen in words. */
export interface Violation {
  readonly invariant: string;
  readonly detail: string;
}

/** One execution of a program from its beginning. */
export interface Execution {
  /** One generator a CPU; not yet started. */
  readonly cpus: readonly Iterator<Point, void, void>[];
  /** Called before CPU `cpu` is started or resumed. */
  select(cpu: number): void;
  /** May `cpu` perform `point` now? Must depend on nothing but the point's objects. */
  enabled(cpu: number, point: Point): boolean;
  /** Invariants of the whole state; called after each step. */
  check(): Violation | null;
  /** Invariants that hold when every CPU has finished. */
  finish(): Violation | null;
  /** What an error that a step threw means as a violation; null: it is none, and the error goes on its way. */
  explain(error: unknown): Violation | null;
}

export interface Program {
  readonly cpus: number;
  /** A fresh execution. Executions do not overlap: the one before is over when the next begins. */
  start(): Execution;
}

/** Are the two actions dependent: does their order matter? */
export function dependent(a: Point, b: Point): boolean {
  if (a.object === b.object && (a.write || b.write)) return true;
  if (b.object2 !== 0 && a.object === b.object2 && (a.write || b.write2)) return true;
  if (a.object2 === 0) return false;
  if (a.object2 === b.object && (a.write2 || b.write)) return true;
  return a.object2 === b.object2 && (a.write2 || b.write2);
}
