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

export interface Measured {
  /** The process, where the file says it. */
  readonly pid: number | null;
  /** In the order of time. */
  readonly samples: readonly MeasuredSample[];
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
  const samples: MeasuredSample[] = [];
  const pid = await eachMeasured(source, report, (sample) => samples.push(sample));
  samples.sort((a, b) => a.fromNs - b.fromNs);
  return { pid, samples };
}
