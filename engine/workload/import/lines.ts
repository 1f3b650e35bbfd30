/**
 * Text of any size as blocks of whole lines, in constant memory: a line longer than the limit is dropped and counted,
 * never kept. Line numbers start at 1.
 */
import { ReclaimLabError } from "../../error.ts";
import { ImportError } from "./error.ts";
import type { ImportReport } from "./report.ts";

/** Whole lines, each ended by "\n". `firstLine` is the number of the first one. */
export interface LineBlock {
  readonly text: string;
  readonly firstLine: number;
}

/** Longer lines than this are dropped. The longest a capture writes are paths: 4 KiB. */
export const LINE_LENGTH_MAX = 65_536;
/** After so many characters without the end of a line, it is not text, and may never end. */
const ENDLESS_LENGTH = 1 << 30;
/** At most so many characters a block, so that one huge chunk is not handed on in one piece. */
const BLOCK_LENGTH = 1 << 20;

/** What a caller reads a trace from: text or bytes (UTF-8, already decompressed), in chunks of any size. */
export type TextSource = AsyncIterable<string | Uint8Array>;

/** Counts "\n" in a string. */
function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

async function* decoded(source: TextSource): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8");
  for await (const chunk of source) {
    const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    for (let at = 0; at < text.length; at += BLOCK_LENGTH) {
      yield text.length <= BLOCK_LENGTH ? text : text.slice(at, at + BLOCK_LENGTH);
    }
  }
  const rest = decoder.decode();
  if (rest) yield rest;
}

/**
 * The source's lines in blocks. A last line without "\n" is given too. Where the source is cut off or damaged (a truncated gz
 * file) the lines so far are given and that goes into the report, with the line it happened at. What the source throws in words
 * (it cannot be read) is thrown: what is there is more than what was seen.
 */
export async function* lineBlocks(source: TextSource, report: ImportReport): AsyncGenerator<LineBlock> {
  let line = 1;
  let rest = "";
  let dropping = false;
  let dropped = 0;
  try {
    for await (const part of decoded(source)) {
      let text = part;
      if (dropping) {
        const end = text.indexOf("\n");
        dropped += text.length;
        if (end < 0 && dropped > ENDLESS_LENGTH)
          throw new ImportError("it is not text: a line does not end within 1 GiB");
        if (end < 0) continue;
        text = text.slice(end + 1);
        dropping = false;
        line++;
      }
      const last = text.lastIndexOf("\n");
      if (last < 0) {
        rest += text;
      } else {
        const block = rest + text.slice(0, last + 1);
        yield { text: block, firstLine: line };
        line += countLines(block);
        rest = text.slice(last + 1);
      }
      if (rest.length > LINE_LENGTH_MAX) {
        report.problem("overlong", line, `${rest.slice(0, 60)}...`);
        rest = "";
        dropping = true;
        dropped = 0;
      }
    }
  } catch (error) {
    if (error instanceof ReclaimLabError && !(error instanceof ImportError)) throw error;
    report.problem("truncated", line, error instanceof Error ? error.message : String(error));
  }
  if (rest) yield { text: `${rest}\n`, firstLine: line };
}

/** Cuts a block into lines, without "\r". */
export function eachLine(block: LineBlock, take: (text: string, line: number) => void): void {
  const { text } = block;
  let line = block.firstLine;
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
    const stop = end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
    take(text.slice(start, stop), line++);
    start = end + 1;
  }
}
