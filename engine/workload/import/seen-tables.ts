/**
 * Slots of 2 MiB of which a snapshot has shown a table, in a trace without page faults: which of the empty tables that a later
 * snapshot shows are new, and so made and emptied unseen.
 */
import type { Operation } from "../operation.ts";
import { PAGE, SLOT } from "../sizes.ts";

/** So many slots are remembered at most (2 TiB): of more the trace says too much to be true. */
const SLOTS_MAX = 1 << 20;

/** What became of an empty table: it is known, it was emptied piece by piece, or all of its slot was given back at once. */
export type EmptySlot = "known" | "emptied" | "released";

export class SeenTables {
  readonly #known = new Set<number>();
  /** Given back as a whole since the last snapshot. */
  readonly #released = new Set<number>();

  /** An operation of the process. */
  note(operation: Operation): void {
    if (operation.op === "exec") this.#known.clear();
    else if (operation.op === "snapshot") {
      for (const runs of [operation.pages, operation.empty, operation.released ?? []]) this.#add(operation.addr, runs);
    } else if (operation.op === "munmap" || operation.op === "mremap") {
      for (const slot of this.#whole(operation.addr, operation.len)) this.#known.delete(slot);
    } else if (operation.op === "madvise" && operation.advice === "dontneed") {
      for (const slot of this.#whole(operation.addr, operation.len))
        if (this.#released.size < SLOTS_MAX) this.#released.add(slot);
    }
  }

  /** What the table of the slot at an address is, which has no entry. */
  empty(addr: number): EmptySlot {
    const slot = Math.floor(addr / SLOT);
    if (this.#known.has(slot)) return "known";
    return this.#released.has(slot) ? "released" : "emptied";
  }

  /** A snapshot has been taken in. */
  snapshotEnds(): void {
    this.#released.clear();
  }

  copy(): SeenTables {
    const copy = new SeenTables();
    for (const slot of this.#known) copy.#known.add(slot);
    return copy;
  }

  #add(addr: number, runs: readonly number[]): void {
    for (let i = 0; i + 1 < runs.length; i += 2) {
      const from = Math.floor((addr + runs[i] * PAGE) / SLOT);
      const to = Math.ceil((addr + (runs[i] + runs[i + 1]) * PAGE) / SLOT);
      for (let slot = from; slot < to && this.#known.size < SLOTS_MAX; slot++) this.#known.add(slot);
    }
  }

  /** Slots that lie in a range as a whole; of very many the first. */
  *#whole(addr: number, len: number): Generator<number> {
    const from = Math.ceil(addr / SLOT);
    const to = Math.min(Math.floor((addr + len) / SLOT), from + SLOTS_MAX);
    for (let slot = from; slot < to; slot++) yield slot;
  }
}
