/** Moments of a replay that it can go back to, within a budget of memory. */
import type { Snapshot } from "../../engine/map/snapshot.ts";

export interface Checkpoint {
  /** The moment: after so many operations. */
  readonly operations: number;
  /** The process that the map is of. */
  readonly process: number;
  readonly snapshot: Snapshot;
}

interface Kept extends Checkpoint {
  /** How long it takes to run from the one before to here. */
  ms: number;
}

/** The first is kept for ever; where they are too many, those go whose neighbours are nearest to each other. */
export class Checkpoints {
  readonly #budget: number;
  readonly #kept: Kept[];
  #bytes: number;

  constructor(first: Checkpoint, budgetBytes: number) {
    this.#budget = budgetBytes;
    this.#kept = [{ ...first, ms: 0 }];
    this.#bytes = first.snapshot.bytes;
  }

  get count(): number {
    return this.#kept.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The last one at or before a moment. */
  upTo(operations: number): Checkpoint {
    return this.#kept[this.#indexUpTo(operations)];
  }

  /**
   * Whether one more is worth its time there: after the last one always, between two only while there is room. Where it would
   * push out another, whoever goes back to a moment would wait for it and gain nothing.
   */
  wants(operations: number): boolean {
    const last = this.#kept[this.#kept.length - 1];
    return operations > last.operations || this.#bytes + last.snapshot.bytes <= this.#budget;
  }

  /** `ms`: how long it took to run there from the one before. One that is there already stays. */
  add(checkpoint: Checkpoint, ms: number): void {
    const before = this.#indexUpTo(checkpoint.operations);
    if (this.#kept[before].operations === checkpoint.operations) return;
    const next = this.#kept[before + 1];
    if (next !== undefined) next.ms = Math.max(0, next.ms - ms);
    this.#kept.splice(before + 1, 0, { ...checkpoint, ms });
    this.#bytes += checkpoint.snapshot.bytes;
    while (this.#bytes > this.#budget && this.#kept.length > 1) this.#drop();
  }

  #indexUpTo(operations: number): number {
    return Math.max(
      0,
      this.#kept.findLastIndex((each) => each.operations <= operations),
    );
  }

  /** The last one goes only where it is alone with the first: all that comes after it has to be run from there. */
  #drop(): void {
    let least = Number.POSITIVE_INFINITY;
    let at = 1;
    for (let i = 1; i < this.#kept.length - 1; i++) {
      const gap = this.#kept[i].ms + this.#kept[i + 1].ms;
      if (gap < least) [least, at] = [gap, i];
    }
    const [gone] = this.#kept.splice(at, 1);
    const next = this.#kept[at];
    if (next !== undefined) next.ms += gone.ms;
    this.#bytes -= gone.snapshot.bytes;
  }
}
