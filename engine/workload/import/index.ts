/** Importing: a trace of a real program, or a workload file, as a lazy stream of operations. */
import type { Operation } from "../operation.ts";
import { ImportError } from "./error.ts";
import type { TraceFormat } from "./formats.ts";
import type { TextSource } from "./lines.ts";
import { readOperations } from "./ops-jsonl.ts";
import type { TracedProcess } from "./processes.ts";
import { eventBlocks, formatHasFaults, listProcesses, openTrace } from "./reader.ts";
import type { ImportReport } from "./report.ts";
import { ServiceTranslator } from "./service.ts";
import { Translator } from "./translate.ts";

export interface ImportOptions {
  /** The process to follow; needed for every format but `ops`. */
  readonly pid?: number;
  /** TracedProcess.ancestors: what the process was forked from, where its address space is a copy of theirs. */
  readonly ancestors?: readonly number[];
  /** Default: detected from the first lines. */
  readonly format?: TraceFormat;
  /**
   * For traces without page faults (strace): take memory as used as soon as it may be accessed. Without it nothing is
   * ever used and there are no tables to speak of.
   */
  readonly touchOnMap?: boolean;
  /** All processes of the trace together (service.ts), by what they are called, instead of one. */
  readonly service?: ReadonlyMap<number, string>;
}

/**
 * The operations of a trace or workload file, in batches of one block of text; constant memory for any size. Those of a
 * trace carry the program's clock; the last one is a tick at its end.
 * Throws ImportError where the input cannot be used at all; what could be skipped is in the report.
 */
export async function* importOperations(
  source: TextSource,
  options: ImportOptions,
  report: ImportReport,
): AsyncGenerator<readonly Operation[]> {
  const { format, blocks } = await openTrace(source, report, options.format);
  if (format === "ops") {
    yield* readOperations(blocks, report);
    return;
  }
  const { pid, ancestors = [], touchOnMap = false, service } = options;
  if (pid === undefined && service === undefined)
    throw new ImportError("a trace may hold several processes; choose one by its pid");
  let operations: Operation[] = [];
  let startNs = -1;
  let last = 0;
  const sink = {
    operation(operation: Operation, _tid: number, timeNs: number): void {
      if (startNs < 0) startNs = translator.lifetime()?.startNs ?? timeNs;
      last = Math.max(last, timeNs - startNs);
      operation.at = last;
      operations.push(operation);
    },
  };
  const translator =
    service === undefined
      ? new Translator(sink, report, { pid: pid ?? 0, ancestors, touchOnMap })
      : new ServiceTranslator(sink, report, { names: service, touchOnMap });
  for await (const _ of eventBlocks(blocks, format, report, (event) => translator.take(event))) {
    yield operations;
    operations = [];
  }
  translator.finish();
  const life = translator.lifetime();
  if (startNs < 0 || life === null) return;
  // It went on until then, idle.
  const end = life.endNs - startNs;
  if (end > last) operations.push({ op: "tick", ms: 0, at: end });
  yield operations;
}

/** What is in a file: its format and, for a trace, its processes (the busiest first). Reads it to its end. */
export interface Contents {
  readonly format: TraceFormat;
  readonly hasFaults: boolean;
  readonly processes: readonly TracedProcess[];
  /** A workload file whose subject is the process forked last (engine/workload/following.ts). */
  readonly follow: boolean;
  readonly events: number;
}

/** Surveys a trace or workload file, so that a process can be chosen. Throws ImportError as importOperations does. */
export async function survey(source: TextSource, report: ImportReport, format?: TraceFormat): Promise<Contents> {
  const opened = await openTrace(source, report, format);
  if (opened.format === "ops") {
    let events = 0;
    let follow = false;
    const operations = readOperations(opened.blocks, report, (header) => {
      follow = header.follow ?? false;
    });
    for await (const batch of operations) events += batch.length;
    return { format: "ops", hasFaults: true, processes: [], follow, events };
  }
  const { format: found, blocks } = opened;
  const processes = await listProcesses({ format: found, blocks }, report);
  return { format: found, hasFaults: formatHasFaults(found), processes, follow: false, events: report.events };
}

export { CALL_NUMBERS } from "./abi.ts";
export { ImportError } from "./error.ts";
export type { TraceFormat } from "./formats.ts";
export type { TextSource } from "./lines.ts";
export { operationLine, opsHeaderLine } from "./ops-jsonl.ts";
export type { TracedProcess } from "./processes.ts";
export { describeProblem, ImportReport } from "./report.ts";
