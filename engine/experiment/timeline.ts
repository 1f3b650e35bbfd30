/**
 * What VmPTE, the empty tables and RSS were on average, over any last part of a run. The position is the program's clock in
 * nanoseconds where its trace has one, else the number of operations. Constant memory; the same operations give the same
 * numbers.
 */

/** So many moments are remembered at most; then every second is forgotten, and half as many are kept from there on. */
const MOMENTS_MAX = 4096;

export interface Average {
  readonly vmpteKb: number;
  readonly emptyPteTables: number;
  readonly rssKb: number;
}

export class Timeline {
  #vmpte = 0;
  #empty = 0;
  #rss = 0;
  #position = 0;
  #stride: number;
  #next = 0;
  /** Sums over position, at the moments that are remembered. */
  #moments: { readonly position: number; readonly vmpte: number; readonly empty: number; readonly rss: number }[] = [
    { position: 0, vmpte: 0, empty: 0, rss: 0 },
  ];

  /** `stride`: how far apart moments are remembered at first. */
  constructor(stride: number) {
    this.#stride = stride;
    this.#next = stride;
  }

  get position(): number {
    return this.#position;
  }

  /** From the last position to this one they were so much. */
  hold(until: number, vmpteKb: number, emptyPteTables: number, rssKb: number): void {
    const span = until - this.#position;
    if (span <= 0) return;
    if (span >= this.#stride) this.#remember();
    this.#position = until;
    this.#vmpte += vmpteKb * span;
    this.#empty += emptyPteTables * span;
    this.#rss += rssKb * span;
    if (until >= this.#next) this.#remember();
  }

  #now() {
    return { position: this.#position, vmpte: this.#vmpte, empty: this.#empty, rss: this.#rss };
  }

  #remember(): void {
    const moments = this.#moments;
    if (moments[moments.length - 1].position === this.#position) return;
    if (moments.length >= MOMENTS_MAX) {
      this.#moments = moments.filter((_, i) => i % 2 === 0);
      this.#stride *= 2;
    }
    this.#moments.push(this.#now());
    this.#next = this.#position + this.#stride;
  }

  /** On average from `from` on; between two remembered moments as if it had changed evenly. Null: no part of it is there. */
  averageFrom(from: number): Average | null {
    const span = this.#position - from;
    if (!(span > 0)) return null;
    const moments = this.#moments;
    const found = moments.findLastIndex(({ position }) => position <= from);
    const at = moments[Math.max(0, found)];
    const next = moments[found + 1] ?? this.#now();
    const part = next.position > at.position ? (from - at.position) / (next.position - at.position) : 0;
    const vmpte = at.vmpte + part * (next.vmpte - at.vmpte);
    const empty = at.empty + part * (next.empty - at.empty);
    const rss = at.rss + part * (next.rss - at.rss);
    return {
      vmpteKb: (this.#vmpte - vmpte) / span,
      emptyPteTables: (this.#empty - empty) / span,
      rssKb: (this.#rss - rss) / span,
    };
  }
}
