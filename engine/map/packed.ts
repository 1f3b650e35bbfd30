/**
 * Typed arrays in little room: stretches of 32-bit words that grow by the same step (or none) are kept as their first
 * word, the step and their length. Page tables of a program that walks through memory are little else.
 */

export type PackableArray = Int32Array | Uint32Array | Uint16Array | Uint8Array | Float64Array;
type PackableArrayMaker = new (buffer: ArrayBuffer) => PackableArray;

const WORDS_PER_STRETCH = 3;
const STRETCHES_AT_FIRST = 16;

export class Packed {
  readonly #make: PackableArrayMaker;
  readonly #byteLength: number;
  /** (first word, step, length) a stretch; undefined where the array is kept as it is. */
  readonly #stretches: Int32Array | undefined;
  /** The whole array where packing does not pay, else the bytes after the last whole word. */
  readonly #rest: Uint8Array;

  constructor(array: PackableArray) {
    const { buffer, byteOffset, byteLength } = array;
    this.#make = array.constructor as PackableArrayMaker;
    this.#byteLength = byteLength;
    this.#stretches =
      byteOffset % 4 === 0 ? stretchesOf(new Int32Array(buffer, byteOffset, byteLength >> 2)) : undefined;
    const whole = this.#stretches === undefined ? 0 : byteLength & ~3;
    this.#rest = new Uint8Array(buffer, byteOffset + whole, byteLength - whole).slice();
  }

  /** Bytes of memory that this holds. */
  get bytes(): number {
    return (this.#stretches?.byteLength ?? 0) + this.#rest.byteLength;
  }

  /**
   * The array again: in `into` where that is of the same kind and long enough (what is over is zero then), else in a new
   * one. Page tables are too large to have them twice.
   */
  unpack(into?: unknown): PackableArray {
    const array = this.#room(into);
    const { buffer, byteOffset } = array;
    let whole = 0;
    if (this.#stretches !== undefined) {
      whole = this.#byteLength & ~3;
      write(this.#stretches, new Int32Array(buffer, byteOffset, whole >> 2));
    }
    const rest = new Uint8Array(buffer, byteOffset + whole, array.byteLength - whole);
    rest.set(this.#rest);
    rest.fill(0, this.#rest.byteLength);
    return array;
  }

  #room(into: unknown): PackableArray {
    if (into instanceof this.#make && into.byteLength >= this.#byteLength && into.byteOffset % 4 === 0) return into;
    return new this.#make(new ArrayBuffer(this.#byteLength));
  }
}

/** The words as stretches; undefined where these would take more room than the words do. */
function stretchesOf(words: Int32Array): Int32Array | undefined {
  const { length } = words;
  let stretches = new Int32Array(WORDS_PER_STRETCH * STRETCHES_AT_FIRST);
  let used = 0;
  for (let at = 0; at < length; ) {
    const first = words[at];
    let last = at + 1 < length ? words[at + 1] : first;
    const step = (last - first) | 0;
    let next = Math.min(at + 2, length);
    while (next < length && ((words[next] - last) | 0) === step) last = words[next++];
    if (used === stretches.length) {
      if (used * 2 > length) return undefined;
      const grown = new Int32Array(used * 2);
      grown.set(stretches);
      stretches = grown;
    }
    stretches[used] = first;
    stretches[used + 1] = step;
    stretches[used + 2] = next - at;
    used += WORDS_PER_STRETCH;
    at = next;
  }
  return used < length ? stretches.slice(0, used) : undefined;
}

function write(stretches: Int32Array, words: Int32Array): void {
  let at = 0;
  for (let from = 0; from < stretches.length; from += WORDS_PER_STRETCH) {
    const step = stretches[from + 1];
    const end = at + stretches[from + 2];
    let value = stretches[from];
    if (step === 0) words.fill(value, at, end);
    else {
      for (let i = at; i < end; i++) {
        words[i] = value;
        value = (value + step) | 0;
      }
    }
    at = end;
  }
}
