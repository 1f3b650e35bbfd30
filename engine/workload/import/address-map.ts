/**
 * Which addresses of a traced process are mapped: no more than an importer needs to tell stack growth from a fault
 * into nothing. Neighbouring ranges are kept as one; the engine alone knows VMAs.
 */
export class AddressMap {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #last = 0;
  /** Start of the stack's mapping, or -1. */
  stackStart = -1;

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
    this.#last = 0;
    this.stackStart = -1;
  }

  /** How many separate ranges there are. */
  get size(): number {
    return this.#starts.length;
  }

  /** Index of the first range that ends above the address. */
  #firstEndingAbove(address: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends[middle] > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  has(address: number): boolean {
    const last = this.#last;
    if (last < this.#starts.length && address >= this.#starts[last] && address < this.#ends[last]) return true;
    const index = this.#firstEndingAbove(address);
    if (index === this.#starts.length || address < this.#starts[index]) return false;
    this.#last = index;
    return true;
  }

  /** Start of the first range above an unmapped address, and the end of the last one below; Infinity and 0 at the edges. */
  gapAround(address: number): { readonly below: number; readonly above: number } {
    const index = this.#firstEndingAbove(address);
    return {
      below: index === 0 ? 0 : this.#ends[index - 1],
      above: index === this.#starts.length ? Number.POSITIVE_INFINITY : this.#starts[index],
    };
  }

  add(start: number, end: number): void {
    const from = this.#firstEndingAbove(start - 1);
    let to = from;
    let first = start;
    let last = end;
    while (to < this.#starts.length && this.#starts[to] <= end) {
      first = Math.min(first, this.#starts[to]);
      last = Math.max(last, this.#ends[to]);
      to++;
    }
    this.#starts.splice(from, to - from, first);
    this.#ends.splice(from, to - from, last);
  }

  remove(start: number, end: number): void {
    const from = this.#firstEndingAbove(start);
    let to = from;
    const keptStarts: number[] = [];
    const keptEnds: number[] = [];
    while (to < this.#starts.length && this.#starts[to] < end) {
      if (this.#starts[to] < start) {
        keptStarts.push(this.#starts[to]);
        keptEnds.push(start);
      }
      if (this.#ends[to] > end) {
        keptStarts.push(end);
        keptEnds.push(this.#ends[to]);
      }
      to++;
    }
    this.#starts.splice(from, to - from, ...keptStarts);
    this.#ends.splice(from, to - from, ...keptEnds);
  }
}
