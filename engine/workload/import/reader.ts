/** Reading a trace: which format it is in, its events block by block, and the processes that are in it. */
import { ImportError } from "./error.ts";
import type { LineParser, TraceEvent } from "./event.ts";
import { type EventFormat, TRACE_FORMATS, type TraceFormat } from "./formats.ts";
import { isFound } from "./found.ts";
import { eachLine, type LineBlock, lineBlocks, type TextSource } from "./lines.ts";
import { createPerfParser, looksLikePerf, perfComm } from "./perf-script.ts";
import { ProcessList, type TracedProcess } from "./processes.ts";
import type { ImportReport } from "./report.ts";
import { createStraceParser, looksLikeStrace } from "./strace.ts";
import { createTracefsParser, looksLikeTracefs } from "./tracefs.ts";

const CREATE: Readonly<Record<EventFormat, (report: ImportReport) => LineParser>> = {
  "perf-script": createPerfParser,
  tracefs: createTracefsParser,
  strace: createStraceParser,
};

const LOOKS: readonly (readonly [TraceFormat, (line: string) => boolean])[] = [
  ["ops", (line) => /^\s*\{\s*"(?:format|op)"\s*:/.test(line)],
  // A process that ran already is recorded with perf only, and what was found of it may be long.
  ["perf-script", (line) => isFound(line) || looksLikePerf(line)],
  ["tracefs", looksLikeTracefs],
  ["strace", looksLikeStrace],
];

/** Does a trace in this format say which pages were used? Where it does not, that must be assumed (`touchOnMap`). */
export function formatHasFaults(format: TraceFormat): boolean {
  return format !== "strace";
}

/** How many lines a guess is made from. */
const GUESS_LINES = 400;

/** The format that most of the first lines look like, or null where none does. */
function guessFormat(text: string): TraceFormat | null {
  const votes = new Map<TraceFormat, number>();
  const lines = text.slice(0, 1 << 18).split("\n", GUESS_LINES);
  for (const line of lines) {
    const short = line.slice(0, 400);
    const format = LOOKS.find(([, looks]) => looks(short))?.[0];
    if (format) votes.set(format, (votes.get(format) ?? 0) + 1);
  }
  return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}

export interface OpenedTrace {
  readonly format: TraceFormat;
  readonly blocks: AsyncIterable<LineBlock>;
}

/**
 * Begins to read a trace; guesses the format where none is given. Throws ImportError where there is nothing to read or
 * the format is not known.
 */
export async function openTrace(source: TextSource, report: ImportReport, format?: TraceFormat): Promise<OpenedTrace> {
  const blocks = lineBlocks(source, report);
  const first = await blocks.next();
  if (first.done) {
    const problem = report.problems().at(-1);
    const why = problem ? ` (${problem.kind.replaceAll("_", " ")}: ${problem.example})` : "";
    throw new ImportError(`there is nothing to read in it${why}`);
  }
  const found = format ?? guessFormat(first.value.text);
  if (found === null) {
    await blocks.return(undefined);
    const gzip = first.value.text.startsWith("\u001f");
    throw new ImportError(
      gzip
        ? "it is compressed and was not unpacked"
        : `it is in no known format: none of its first lines is one of ${TRACE_FORMATS.join(", ")}; on the command line --format names one`,
    );
  }
  async function* all(): AsyncGenerator<LineBlock> {
    yield first.value as LineBlock;
    yield* blocks;
  }
  return { format: found, blocks: all() };
}

/**
 * Gives every event of a trace to `take`, a block (at most some 64 KiB to 1 MiB of text) at a time; the caller goes on
 * with `next()` when it has dealt with them. Times that go back are reported.
 */
export async function* eventBlocks(
  blocks: AsyncIterable<LineBlock>,
  format: EventFormat,
  report: ImportReport,
  take: (event: TraceEvent) => void,
): AsyncGenerator<void> {
  const parse = CREATE[format](report);
  let last = 0;
  const emit = (event: TraceEvent): void => {
    if (event.kind !== "until") report.events++;
    if (event.kind === "found" || event.kind === "until") {
      // What was found goes before the events, whenever it was read; the end after them.
    } else if (event.timeNs < last)
      report.problem("time_back", event.line, `${event.timeNs / 1e9} s after ${last / 1e9} s`);
    else last = event.timeNs;
    take(event);
  };
  const parseLine = (text: string, line: number): void => parse(text, line, emit);
  for await (const block of blocks) {
    eachLine(block, parseLine);
    yield;
  }
  parse.finish?.(emit);
}

/** Lists the processes of a trace, the busiest first. Reads it to its end. */
export async function listProcesses(
  opened: { readonly format: EventFormat; readonly blocks: AsyncIterable<LineBlock> },
  report: ImportReport,
): Promise<readonly TracedProcess[]> {
  const list = new ProcessList();
  const parse = CREATE[opened.format](report);
  const perf = opened.format === "perf-script";
  let line = "";
  let event: TraceEvent | null = null;
  const comm = (): string => {
    if (event?.kind === "found") return event.found?.comm ?? "";
    return perf ? perfComm(line) : (event?.comm ?? "");
  };
  const take = (taken: TraceEvent): void => {
    event = taken;
    if (taken.kind !== "until") report.events++;
    list.take(taken, comm);
    if (taken.kind === "found" && taken.found?.light) report.problem("no_faults", taken.line, `process ${taken.pid}`);
    const hidden = ProcessList.hiddenCall(taken);
    if (hidden !== null) report.problem("hidden_ranges", taken.line, `${hidden} of process ${taken.pid}`);
  };
  const parseLine = (text: string, number: number): void => {
    line = text;
    parse(text, number, take);
  };
  for await (const block of opened.blocks) eachLine(block, parseLine);
  parse.finish?.(take);
  return list.list();
}
