import type { Samples } from "../../chart/points.ts";
import type { SampleColumn } from "../../engine/experiment/types.ts";
import type { SampleBlock } from "../../main/contract.ts";

/**
 * The samples of one run as they arrive: one growing array a column. Only whole blocks go in, so that all columns
 * that are there have the same length.
 */
export class Series {
  #columns = new Map<SampleColumn, Float64Array>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  has(column: SampleColumn): boolean {
    return this.#columns.has(column);
  }

  /** A view of a column's samples so far; empty where the column is not there. */
  column(name: SampleColumn): Float64Array {
    return this.#columns.get(name)?.subarray(0, this.#count) ?? new Float64Array(0);
  }

  /** All columns so far, as charts take them. A new object each time: what was taken earlier does not change. */
  get samples(): Samples {
    const columns: Partial<Record<SampleColumn, Float64Array>> = {};
    for (const name of this.#columns.keys()) columns[name] = this.column(name);
    return { count: this.#count, columns };
  }

  /** Takes a block as all there is. */
  replace(block: SampleBlock): void {
    this.#columns = new Map(Object.entries(block.columns) as [SampleColumn, Float64Array][]);
    this.#count = block.count;
  }

  /** Adds columns of samples that are already here. Gives false where the block is shorter: ask again. */
  addColumns(block: SampleBlock): boolean {
    if (block.count < this.#count) return false;
    for (const [name, values] of Object.entries(block.columns) as [SampleColumn, Float64Array][]) {
      if (!this.#columns.has(name)) this.#columns.set(name, values.slice(0, Math.max(this.#count, 0)));
    }
    return true;
  }

  /**
   * Appends a block that starts at sample `fromSeq`; what is already here is skipped. Gives false where samples
   * between are missing: the caller fetches them. Columns that are not kept are dropped.
   */
  append(fromSeq: number, block: SampleBlock): boolean {
    if (fromSeq > this.#count) return false;
    const skip = this.#count - fromSeq;
    const added = block.count - skip;
    if (added <= 0) return true;
    if (this.#count === 0) {
      this.replace(block);
      return true;
    }
    const needed = this.#count + added;
    for (const [name, values] of this.#columns) {
      const room = values.length >= needed ? values : grow(values, needed);
      const source = block.columns[name];
      if (source) room.set(source.subarray(skip, skip + added), this.#count);
      else room.fill(Number.NaN, this.#count, needed);
      this.#columns.set(name, room);
    }
    this.#count = needed;
    return true;
  }
}

function grow(values: Float64Array, needed: number): Float64Array {
  const room = new Float64Array(Math.max(needed, values.length * 2, 256));
  room.set(values);
  return room;
}
