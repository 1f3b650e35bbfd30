/** What a step reads and writes of an explored kernel, recorded as it happens; and how a step says that it broke an invariant. */

import type { Invariant } from "../experiment/violated-words.ts";
import { access, type Footprint } from "./program.ts";

/** CPUs of a scenario at most. */
export const CPUS_MAX = 4;
/** Ranges up to this long are recorded item by item, longer ones as a whole. */
export const ONE_BY_ONE_MAX = 4;

export const NO_FREED_ACCESS = "no access through a freed table";
export const NO_DOUBLE_FREE = "no table freed twice or freed while reachable";
export const READER_SAFE = "a reader inside rcu_read_lock never sees its table freed";
export const NO_LOST_WRITE = "no write lost";
export const NO_STALE_TLB = "no stale TLB entry used after the operation that removed it has returned";

/** Kinds of object that the explorer adds to the kernel's (sched.ts), which are below these. */
/** Which entries of a PTE table are none; one entry; all entries at once. */
export const OBJ_ENTRIES = 32;
export const OBJ_ENTRY = 33;
export const OBJ_WHOLE = 34;
/** One entry of an upper table; which of its entries are none; whether the table is allocated, linked or freed. */
export const OBJ_CHILD = 35;
export const OBJ_CHILDREN = 36;
export const OBJ_LIFE = 37;
/** Is a CPU inside rcu_read_lock; has it interrupts off; is it asked to give way. */
export const OBJ_READER = 38;
export const OBJ_IRQ = 39;
export const OBJ_RESCHED = 40;
/** What a page holds; a process's list of VMAs. */
export const OBJ_CONTENTS = 41;
export const OBJ_VMAS = 42;
/** References that walkers hold of a table. */
export const OBJ_REFS = 47;
/** A TLB entry; this kind and the next three, one for each CPU. */
export const OBJ_TLB_ENTRY = 43;

/** Thrown by a step that breaks an invariant. */
export class StepViolation extends Error {
  override readonly name = "StepViolation";
  readonly invariant: Invariant;

  constructor(invariant: Invariant, detail: string) {
    super(detail);
    this.invariant = invariant;
  }
}

/** The footprint of the step under way; records while `on`. In footprints objects are called by the order of their first use. */
export class Trace {
  on = false;
  private accesses: number[] = [];
  /** What each object is called, for as long as there are footprints of the program. */
  private readonly numbers = new Map<number, number>();

  begin(record: boolean): void {
    this.on = record;
    if (record) this.accesses = [];
  }

  take(): Footprint {
    return this.accesses;
  }

  read(object: number): void {
    if (this.on) this.add(access(this.numberOf(object), false));
  }

  write(object: number): void {
    if (this.on) this.add(access(this.numberOf(object), true));
  }

  private numberOf(object: number): number {
    let number = this.numbers.get(object);
    if (number === undefined) {
      number = this.numbers.size;
      this.numbers.set(object, number);
    }
    return number;
  }

  private add(entry: number): void {
    const accesses = this.accesses;
    for (let i = accesses.length - 1; i >= 0; i--) if (accesses[i] === entry) return;
    accesses.push(entry);
  }
}
