/** Reads the answers of the probe's `look` (its format: src/look.h) from pieces of its output, whatever their size. */
import type { Look, LookMeans, Mapping, NoLook, Pass, Runs, Seen } from "../engine/live/look.ts";

const RECORD_BYTES = 16;

/** Grows as runs come. */
class RunList {
  #length = 0;
  #window = new Float64Array(64);
  #windows = new Uint32Array(64);
  #state = new Uint8Array(64);
  #mapping = new Uint32Array(64);

  take(bytes: Buffer): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += RECORD_BYTES) {
      if (this.#length === this.#window.length) this.#grow();
      const high = view.getUint32(at + 4, true);
      this.#state[this.#length] = high >>> 24;
      this.#window[this.#length] = (high & 0xffffff) * 2 ** 32 + view.getUint32(at, true);
      this.#windows[this.#length] = view.getUint32(at + 8, true);
      this.#mapping[this.#length] = view.getUint32(at + 12, true);
      this.#length++;
    }
  }

  #grow(): void {
    const room = this.#length * 2;
    const copy = <T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T => {
      to.set(from as never);
      return to;
    };
    this.#window = copy(this.#window, new Float64Array(room));
    this.#windows = copy(this.#windows, new Uint32Array(room));
    this.#state = copy(this.#state, new Uint8Array(room));
    this.#mapping = copy(this.#mapping, new Uint32Array(room));
  }

  done(): Runs {
    const length = this.#length;
    return {
      length,
      window: this.#window.slice(0, length),
      windows: this.#windows.slice(0, length),
      state: this.#state.slice(0, length),
      mapping: this.#mapping.slice(0, length),
    };
  }
}

const hex = (text: string): number => Number.parseInt(text, 16);

/** A line of /proc/PID/maps. */
function parseMapping(line: string): Mapping {
  const found = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)$/s.exec(line);
  if (found === null) throw new Error(`not a line of maps: ${line}`);
  const [, start, end, permissions, offset, major, minor, inode, name] = found;
  const device = `${hex(major)}:${hex(minor)}`;
  const file = device === "0:0" && inode === "0" ? null : `${device}:${inode}`;
  return { start: hex(start), end: hex(end), permissions, offset: hex(offset), file, name };
}

function parseSeen(words: readonly string[]): Seen {
  const [vmpteKb, rssKb, virtKb, swapKb, minorFaults] = words.map(Number);
  return { vmpteKb, rssKb, virtKb, swapKb, minorFaults };
}

/** It is still as it was seen before: nothing was looked at. */
export interface Unchanged {
  readonly pid: number;
  readonly unchanged: true;
}

export interface AnswerSink {
  readonly onProgress: (share: number) => void;
  readonly onAnswer: (answer: Omit<Look, "name" | "tookMs"> | NoLook | Unchanged) => void;
}

/** Takes output, tells answers. */
export class AnswerReader {
  readonly #sink: AnswerSink;
  #held: Buffer = Buffer.alloc(0);
  /** Bytes of records that are still to come before the next line. */
  #awaited = 0;
  #pid = 0;
  #before: Seen | null = null;
  #passes: Pass[] = [];
  #runs = new RunList();
  #mappings = new Map<number, Mapping>();
  #spans: readonly [number, number] = [0, 0];

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  take(chunk: Buffer): void {
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (;;) {
      if (this.#awaited > 0) {
        if (rest.length < this.#awaited) break;
        this.#runs.take(rest.subarray(0, this.#awaited));
        rest = rest.subarray(this.#awaited);
        this.#awaited = 0;
      }
      const end = rest.indexOf(10);
      if (end < 0) break;
      this.#line(rest.toString("utf8", 0, end));
      rest = rest.subarray(end + 1);
    }
    this.#held = rest;
  }

  #line(line: string): void {
    const space = line.indexOf(" ");
    const word = line.slice(0, space);
    const text = line.slice(space + 1);
    const words = text.split(" ");
    switch (word) {
      case "process":
        this.#pid = Number(text);
        this.#before = null;
        this.#passes = [];
        break;
      case "before":
        this.#before = parseSeen(words);
        break;
      case "pass":
        this.#runs = new RunList();
        this.#mappings = new Map();
        break;
      case "progress":
        this.#sink.onProgress(Number(text) / 1000);
        break;
      case "runs":
        this.#awaited = Number(text) * RECORD_BYTES;
        break;
      case "vma":
        this.#mappings.set(Number(words[0]), parseMapping(text.slice(text.indexOf(" ") + 1)));
        break;
      case "spans":
        this.#spans = [Number(words[0]), Number(words[1])];
        break;
      case "after":
        this.#passes.push({
          runs: this.#runs.done(),
          mappings: this.#mappings,
          gibSpans: this.#spans[0],
          halfTibSpans: this.#spans[1],
          after: parseSeen(words),
        });
        break;
      case "end":
        this.#end(words);
        break;
    }
  }

  #end([how, means, stride]: readonly string[]): void {
    const pid = this.#pid;
    const before = this.#before;
    if (how === "same") this.#sink.onAnswer({ pid, unchanged: true });
    else if (how === "gone" || before === null) this.#sink.onAnswer({ pid, why: "gone", before: null });
    else if (how === "denied") this.#sink.onAnswer({ pid, why: "denied", before });
    else if (how === "nomm") this.#sink.onAnswer({ pid, why: "no memory", before });
    else
      this.#sink.onAnswer({
        pid,
        before,
        passes: this.#passes,
        still: how === "still",
        means: means as LookMeans,
        stride: Number(stride),
      });
  }
}
