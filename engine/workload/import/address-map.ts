import { PAGE } from "../sizes.ts";

/** So many mappings are known to grow; more is no real program. */
const GROWING_MAX = 4096;

/**
 * Which addresses of a traced process are mapped: no more than an importer needs to tell stack growth from a fault
 * into nothing. Neighbouring ranges are kept as one; the engine alone knows VMAs.
 */
export class AddressMap {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #last = 0;
  /** Mappings that grow down when what is below them is accessed: the stack, and those made with MAP_GROWSDOWN. */
  #growing: { start: number; readonly end: number }[] = [];

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
    this.#last = 0;
    this.#growing = [];
  }

  copy(): AddressMap {
    const copy = new AddressMap();
    for (const start of this.#starts) copy.#starts.push(start);
    for (const end of this.#ends) copy.#ends.push(end);
    copy.#growing = this.#growing.map((each) => ({ ...each }));
    return copy;
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

  /** Is all of [start, end) mapped? */
  covers(start: number, end: number): boolean {
    const index = this.#firstEndingAbove(start);
    return index < this.#starts.length && this.#starts[index] <= start && this.#ends[index] >= end;
  }

  /** What is mapped of [start, end), as pairs of start and end. */
  *within(start: number, end: number): Generator<readonly [number, number]> {
    for (let at = this.#firstEndingAbove(start); at < this.#starts.length && this.#starts[at] < end; at++)
      yield [Math.max(start, this.#starts[at]), Math.min(end, this.#ends[at])];
  }

  addGrowing(start: number, end: number): void {
    this.add(start, end);
    if (this.#growing.length < GROWING_MAX) this.#growing.push({ start, end });
  }

  /** The mapping above an unmapped address, if it is one that grows and begins at most `reach` above it. */
  #growingAbove(address: number, reach: number): { start: number } | undefined {
    const above = this.#starts[this.#firstEndingAbove(address)];
    if (above === undefined || above - address > reach) return undefined;
    return this.#growing.find(({ start }) => start === above);
  }

  /** Would grow() find a mapping? */
  grows(address: number, reach: number): boolean {
    return this.#growingAbove(address, reach) !== undefined;
  }

  /**
   * Grows the mapping above an unmapped address down to the address's page, if it is one that grows and begins at most
   * `reach` above it. False if there is none.
   */
  grow(address: number, reach: number): boolean {
    const growing = this.#growingAbove(address, reach);
    if (growing === undefined) return false;
    const above = growing.start;
    growing.start = address - (address % PAGE);
    this.#insert(growing.start, above);
    return true;
  }

  /** A new mapping, over whatever is there. */
  add(start: number, end: number): void {
    if (this.#growing.some((each) => each.start < end && each.end > start)) this.#shrinkGrowing(start, end);
    this.#insert(start, end);
  }

  #insert(start: number, end: number): void {
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
    if (this.#growing.some((each) => each.start < end && each.end > start)) this.#shrinkGrowing(start, end);
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

  /**
   * mremap: what is mapped of [from, from + len) is at `to` from now on, cut to `newLen` bytes or, its last part, extended to
   * them. Holes move along, and what grows down goes on doing so. With `keepSource` (MREMAP_DONTUNMAP) the source stays mapped
   * too; with `len` 0 it is a second mapping of the same memory, which never grows.
   */
  move(from: number, len: number, to: number, newLen: number, keepSource: boolean): void {
    const stop = from + Math.min(len, newLen);
    const moved = (start: number, end: number): { start: number; end: number } => ({
      start: Math.max(start, from) - from + to,
      end: end >= stop ? to + newLen : end - from + to,
    });
    const pieces = len === 0 ? [{ start: to, end: to + newLen }] : [];
    for (let at = this.#firstEndingAbove(from); at < this.#starts.length && this.#starts[at] < stop; at++)
      pieces.push(moved(this.#starts[at], this.#ends[at]));
    const growing = this.#growing.filter((each) => each.start < stop && each.end > from);
    const grown = growing.map(({ start, end }) => moved(start, end));
    if (!keepSource) this.remove(from, from + len);
    for (const { start, end } of pieces) this.add(start, end);
    if (this.#growing.length + grown.length <= GROWING_MAX) this.#growing.push(...grown);
  }

  /** What remains above a hole still grows, what remains below it too (a split mapping keeps its flags). */
  #shrinkGrowing(from: number, to: number): void {
    this.#growing = this.#growing.flatMap(({ start, end }) => {
      if (start >= to || end <= from) return [{ start, end }];
      const kept = [];
      if (start < from) kept.push({ start, end: from });
      if (end > to) kept.push({ start: to, end });
      return kept;
    });
  }
}
