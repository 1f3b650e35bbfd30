/**
 * The measured side of a captured program (`vmpte.txt`): VmPTE read from /proc/PID/status again and again, on the clock of
 * the trace. A line is
 *
 *     SECONDS-BEFORE VMPTE-KB RSS-KB THREADS SECONDS-AFTER
 *
 * and the read happened at some moment between the two times. The first line is a comment that names the process.
 */
import { ImportError } from "./import/error.ts";
import { eachLine, lineBlocks, type TextSource } from "./import/lines.ts";
import type { ImportReport } from "./import/report.ts";
import { Cursor } from "./import/scan.ts";

export interface MeasuredSample {
  readonly fromNs: number;
  readonly toNs: number;
  readonly vmpteKb: number;
  readonly rssKb: number;
}

/** What is asked of samples: an array is that too. */
export interface MeasuredSamples {
  at(index: number): MeasuredSample | undefined;
}

export interface Measured {
  /** The process, where the file says it. */
  readonly pid: number | null;
  /** In the order of time. */
  readonly samples: MeasuredSamples;
}

const BLOCK = 1 << 14;

interface Block {
  readonly times: Float64Array;
  readonly kb: Float64Array;
}

/** Samples in 32 bytes each, for a process may have 2^32 kB: hours of readings are tens of millions. */
class PackedSamples implements MeasuredSamples {
  readonly #blocks: Block[] = [];
  length = 0;

  push({ fromNs, toNs, vmpteKb, rssKb }: MeasuredSample): void {
    const at = this.length++ % BLOCK;
    if (at === 0) this.#blocks.push({ times: new Float64Array(2 * BLOCK), kb: new Float64Array(2 * BLOCK) });
    const { times, kb } = this.#blocks[this.#blocks.length - 1];
    times[2 * at] = fromNs;
    times[2 * at + 1] = toNs;
    kb[2 * at] = vmpteKb;
    kb[2 * at + 1] = rssKb;
  }

  at(index: number): MeasuredSample | undefined {
    if (index < 0 || index >= this.length) return undefined;
    const { times, kb } = this.#blocks[Math.floor(index / BLOCK)];
    const i = 2 * (index % BLOCK);
    return { fromNs: times[i], toNs: times[i + 1], vmpteKb: kb[i], rssKb: kb[i + 1] };
  }
}

const COMMENT = /^#\s*pid\s+(\d{1,10})\b/;

/**
 * Gives the samples one by one, as they stand in the file, in constant memory; lines that are not samples are reported. Returns the
 * process, where the file says it. Throws ImportError where there is not a single one.
 */
export async function eachMeasured(
  source: TextSource,
  report: ImportReport,
  onSample: (sample: MeasuredSample) => void,
): Promise<number | null> {
  const cursor = new Cursor();
  let pid: number | null = null;
  let count = 0;
  const take = (text: string, line: number): void => {
    if (text.trim() === "") return;
    if (text.startsWith("#")) {
      const match = COMMENT.exec(text);
      if (match) pid = Number(match[1]);
      return;
    }
    cursor.set(text, 0);
    const fromNs = cursor.seconds();
    cursor.blanks();
    const vmpteKb = cursor.decimal();
    cursor.blanks();
    const rssKb = cursor.decimal();
    cursor.blanks();
    cursor.decimal();
    cursor.blanks();
    const toNs = cursor.seconds();
    if (Number.isNaN(fromNs + vmpteKb + toNs) || toNs < fromNs) report.problem("not_understood", line, text);
    else {
      count++;
      onSample({ fromNs, toNs, vmpteKb, rssKb });
    }
  };
  for await (const block of lineBlocks(source, report)) eachLine(block, take);
  if (count === 0) {
    throw new ImportError("it has no sample; a line is: seconds-before VmPTE-kB RSS-kB threads seconds-after");
  }
  return pid;
}

/** All samples of a file. Errors: those of eachMeasured. */
export async function readMeasured(source: TextSource, report: ImportReport): Promise<Measured> {
  const samples = new PackedSamples();
  let last = Number.NEGATIVE_INFINITY;
  let inOrder = true;
  const pid = await eachMeasured(source, report, (sample) => {
    inOrder &&= sample.fromNs >= last;
    last = sample.fromNs;
    samples.push(sample);
  });
  if (inOrder) return { pid, samples };
  // As the probe writes them they are in order; files put together by hand may not be.
  const all = Array.from({ length: samples.length }, (_, i) => samples.at(i)).filter((sample) => sample !== undefined);
  return { pid, samples: all.sort((a, b) => a.fromNs - b.fromNs) };
}
