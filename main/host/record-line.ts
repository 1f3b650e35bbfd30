/** What is read of a recording while it goes on: the readings that the probe has written so far. */
import { closeSync, openSync, readSync } from "node:fs";
import { LINE_POINTS_MAX } from "../contract/record.ts";

const CHUNK = 1 << 16;

interface Point {
  readonly atMs: number;
  readonly vmpteKb: number;
  readonly rssKb: number;
}

/** Follows a file of readings that grows. `points` are thinned: of each stretch the one with the most page tables stays. */
export class RecordLine {
  readonly #path: string;
  #offset = 0;
  #rest = "";
  #firstS = -1;
  #points: Point[] = [];
  #stretch = 1;
  #held = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get points(): readonly Point[] {
    return this.#points;
  }

  /** Reads what has been written since the last time; nothing where the file is not there yet. */
  follow(): void {
    let file: number;
    try {
      file = openSync(this.#path, "r");
    } catch {
      return;
    }
    try {
      const chunk = Buffer.alloc(CHUNK);
      for (;;) {
        const read = readSync(file, chunk, 0, CHUNK, this.#offset);
        if (read === 0) return;
        this.#offset += read;
        const lines = (this.#rest + chunk.toString("latin1", 0, read)).split("\n");
        this.#rest = lines.pop() ?? "";
        for (const line of lines) this.#take(line);
      }
    } finally {
      closeSync(file);
    }
  }

  #take(line: string): void {
    if (line.startsWith("#")) return;
    const [before, vmpteKb, rssKb] = line.split(" ").map(Number);
    if (Number.isNaN(before + vmpteKb + rssKb)) return;
    if (this.#firstS < 0) this.#firstS = before;
    const point = { atMs: (before - this.#firstS) * 1000, vmpteKb, rssKb };
    const last = this.#points.length - 1;
    if (this.#held > 0 && this.#held < this.#stretch) {
      this.#held++;
      if (vmpteKb >= this.#points[last].vmpteKb) this.#points[last] = point;
      return;
    }
    this.#points.push(point);
    this.#held = 1;
    if (this.#points.length < 2 * LINE_POINTS_MAX) return;
    this.#points = Array.from({ length: LINE_POINTS_MAX }, (_, i) => {
      const [a, b] = [this.#points[2 * i], this.#points[2 * i + 1]];
      return b.vmpteKb >= a.vmpteKb ? b : a;
    });
    this.#stretch *= 2;
  }
}
