/** VmPTE of each process of a service over its run: at equal steps, of which there are never more than STEPS_MAX. */

/** Between half as many and so many steps make a run. */
const STEPS_MAX = 128;

/** What one process had, from a step on: the most in each step, in kB. */
export interface ProcessLine {
  readonly from: number;
  readonly kb: number[];
}

export class ServiceLines {
  /** How long a step is, in the unit of the positions that are given; a power of two. */
  step = 1;
  readonly #lines = new Map<number, { from: number; kb: number[] }>();

  /** Nothing is noted beyond this position yet. */
  reach(position: number): void {
    while (position / this.step >= STEPS_MAX) this.#widen();
  }

  /** A process had so much from one position to another that was reached. */
  hold(process: number, from: number, to: number, kb: number): void {
    const first = Math.floor(from / this.step);
    const line = this.#lines.get(process) ?? { from: first, kb: [] };
    if (line.kb.length === 0) this.#lines.set(process, line);
    const last = Math.max(first, Math.ceil(to / this.step) - 1);
    for (let at = first - line.from; at <= last - line.from; at++) line.kb[at] = Math.max(line.kb[at] ?? 0, kb);
  }

  of(process: number): ProcessLine {
    const { from, kb } = this.#lines.get(process) ?? { from: 0, kb: [] };
    return { from, kb: [...kb] };
  }

  /** Two steps become one, and of two values the larger stays. */
  #widen(): void {
    this.step *= 2;
    for (const line of this.#lines.values()) {
      const odd = line.from % 2;
      const pairs = Math.ceil((line.kb.length + odd) / 2);
      line.kb = Array.from({ length: pairs }, (_, i) =>
        Math.max(line.kb[2 * i - odd] ?? 0, line.kb[2 * i + 1 - odd] ?? 0),
      );
      line.from = Math.floor(line.from / 2);
    }
  }
}
