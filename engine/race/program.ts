/**
 * What the explorer explores: a few CPUs that run generators over shared state.
 *
 * A generator yields a point *before* each action that another CPU could see or be affected by; resuming it performs that
 * action and runs on to the next point. What the action read and wrote is asked for after each step: that footprint is all
 * that the reduction rests on.
 */
import type { Invariant } from "../experiment/violated-words.ts";

/** The action a CPU is about to perform. */
export interface Point {
  /** The function that is about to act. */
  readonly fn: string;
  readonly event: string;
  /** What it acts on: a lock, a table's entry, ... */
  readonly object: number;
  readonly write: boolean;
}

/** What a step read and wrote: a list of access(object, write), without order; an object may be in it twice. */
export type Footprint = readonly number[];

/** One access of a footprint. Objects are whole numbers below 2^29; small ones are best, there are tables by object. */
export function access(object: number, write: boolean): number {
  return object * 2 + (write ? 1 : 0);
}

/** Are two steps dependent: does one write what the other reads or writes? */
export function dependent(a: Footprint, b: Footprint): boolean {
  for (let i = 0; i < a.length; i++) {
    const mine = a[i];
    for (let j = 0; j < b.length; j++) {
      // Equal but for the lowest bit, which says write.
      if (mine >> 1 === b[j] >> 1 && ((mine | b[j]) & 1) === 1) return true;
    }
  }
  return false;
}

/** A broken invariant: its name, and what was seen in words. */
export interface Violation {
  readonly invariant: Invariant;
  readonly detail: string;
}

/** One execution of a program from its beginning. */
export interface Execution {
  /** One generator a CPU; not yet started. */
  readonly cpus: readonly Iterator<Point, void, void>[];
  /** Called before CPU `cpu` is started or resumed. `record`: footprint() will be asked for this step. */
  select(cpu: number, record: boolean): void;
  /** May `cpu` perform `point` now? Must depend on nothing but what the step would read. */
  enabled(cpu: number, point: Point): boolean;
  /** What the last step read and wrote; a new list. */
  footprint(): Footprint;
  /** Invariants of the whole state; called after each step. */
  check(): Violation | null;
  /** Invariants that hold when every CPU has finished. */
  finish(): Violation | null;
  /** The violation that an error thrown by a step stands for; null: it stands for none, and is thrown on. */
  explain(error: unknown): Violation | null;
}

export interface Program {
  readonly cpus: number;
  /** A fresh execution. Executions do not overlap: the one before is over when the next begins. */
  start(): Execution;
}
