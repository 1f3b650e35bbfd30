/** Readings of VmPTE and RSS as the samples and the summary of a run; constant memory however many there are. */
import { type RunSummary, SAMPLE_COLUMNS, SAMPLE_INDEX } from "../../engine/experiment/types.ts";

export interface Reading {
  /** Since the program began. */
  readonly atNs: number;
  readonly vmpteKb: number;
  readonly rssKb: number;
}

/** So many stretches are kept at most, each by its smallest and its largest reading. */
const STRETCHES_MAX = 4096;
const WIDTH = SAMPLE_COLUMNS.length;

interface Stretch {
  least: Reading;
  most: Reading;
}

function joined(a: Stretch, b: Stretch): Stretch {
  return {
    least: b.least.vmpteKb < a.least.vmpteKb ? b.least : a.least,
    most: b.most.vmpteKb > a.most.vmpteKb ? b.most : a.most,
  };
}

export class Readings {
  #stretches: Stretch[] = [];
  /** How many readings a stretch holds, and how many the last one has. */
  #size = 1;
  #held = 0;
  #last: Reading | null = null;
  #area = 0;
  #peakVmpteKb = 0;
  #peakRssKb = 0;
  count = 0;

  /** Takes the next one; they come in the order of time. */
  take(reading: Reading): void {
    if (this.#last !== null) this.#area += this.#last.vmpteKb * (reading.atNs - this.#last.atNs);
    this.#last = reading;
    this.count++;
    this.#peakVmpteKb = Math.max(this.#peakVmpteKb, reading.vmpteKb);
    this.#peakRssKb = Math.max(this.#peakRssKb, reading.rssKb);
    const own = { least: reading, most: reading };
    const stretches = this.#stretches;
    if (this.#held > 0 && this.#held < this.#size) {
      stretches[stretches.length - 1] = joined(stretches[stretches.length - 1], own);
      this.#held++;
      return;
    }
    if (stretches.length === STRETCHES_MAX) {
      this.#stretches = Array.from({ length: STRETCHES_MAX / 2 }, (_, i) =>
        joined(stretches[2 * i], stretches[2 * i + 1]),
      );
      this.#size *= 2;
    }
    this.#stretches.push(own);
    this.#held = 1;
  }

  /** Packed samples in the order of SAMPLE_COLUMNS; what readings do not tell is NaN. */
  rows(): Float64Array {
    const kept: Reading[] = [];
    for (const { least, most } of this.#stretches)
      for (const each of least.atNs <= most.atNs ? [least, most] : [most, least])
        if (each !== kept.at(-1)) kept.push(each);
    if (this.#last !== null && this.#last !== kept.at(-1)) kept.push(this.#last);
    const rows = new Float64Array(kept.length * WIDTH).fill(Number.NaN);
    for (const [i, { atNs, vmpteKb, rssKb }] of kept.entries()) {
      const row = rows.subarray(i * WIDTH, (i + 1) * WIDTH);
      row[SAMPLE_INDEX.seq] = i;
      row[SAMPLE_INDEX.time_ns] = atNs;
      row[SAMPLE_INDEX.vmpte_kb] = vmpteKb;
      row[SAMPLE_INDEX.rss_kb] = rssKb;
    }
    return rows;
  }

  /** Null without a reading. The average is over time. */
  summary(): RunSummary | null {
    const last = this.#last;
    if (last === null) return null;
    const first = this.#stretches[0];
    const span = last.atNs - Math.min(first.least.atNs, first.most.atNs);
    return {
      // Readings count none.
      operations: 0,
      wall_ms: last.atNs / 1e6,
      final: {
        vmpte_kb: last.vmpteKb,
        pte_tables: null,
        pmd_tables: null,
        pud_tables: null,
        empty_pte_tables: null,
        rss_kb: last.rssKb,
        virt_kb: null,
      },
      peak: { vmpte_kb: this.#peakVmpteKb, rss_kb: this.#peakRssKb },
      reclaimed_pte_tables: null,
      slow_path: null,
      declined: null,
      average_vmpte_kb: span > 0 ? this.#area / span : last.vmpteKb,
      program_ns: last.atNs,
    };
  }
}
