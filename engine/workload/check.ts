/**
 * The model held against a captured program: its trace is replayed, and every measured VmPTE must be one that the model
 * passes through while it was read. Calls and faults that were in flight then may have taken effect or not; where none
 * was, or none that changes a table, the value must be equal.
 */
import type { Machine } from "../experiment/machine.ts";
import { following } from "./following.ts";
import { ImportError } from "./import/error.ts";
import type { TraceFormat } from "./import/formats.ts";
import type { TextSource } from "./import/lines.ts";
import { eventBlocks, openTrace } from "./import/reader.ts";
import type { ImportReport } from "./import/report.ts";
import { Translator } from "./import/translate.ts";
import type { Measured } from "./measured.ts";
import { type CheckedSample, Windows } from "./windows.ts";

/** The numbers of a check, as `check --json` prints them. */
export interface CheckResult {
  /** Measured samples within the trace. */
  readonly samples: number;
  readonly explained: number;
  /** Samples for which the model allows one value only, and how many of them measured just that. */
  readonly zero_width: number;
  readonly zero_width_exact: number;
  /**
   * Explained samples for which the model had to allow what is possible but rare: a fault that takes longer than 50 ms, that
   * a collapse that ended in EAGAIN left tables, that a call on ranges which the trace does not show freed tables, that file
   * memory is in huge pages.
   */
  readonly explained_by_allowance: number;
  /** How far the worst sample lies outside what the model allows. */
  readonly max_error_kb: number;
  /** Events of the trace. */
  readonly events: number;
  /** Events that the tracer lost. */
  readonly lost: number;
}

export interface Check {
  readonly result: CheckResult;
  /** The first few samples that are not explained. */
  readonly unexplained: readonly CheckedSample[];
}

export interface CheckInput {
  readonly trace: TextSource;
  readonly measured: Measured;
  /** A machine without any mapping, in the mode that is checked. */
  readonly machine: Machine;
  readonly report: ImportReport;
  /** The process; by default the one that was measured. */
  readonly pid?: number;
  /** What it was forked from (TracedProcess.ancestors), where its address space is a copy of theirs. */
  readonly ancestors?: readonly number[];
  readonly format?: TraceFormat;
}

/**
 * Checks a trace against measured samples. Throws ImportError where the trace cannot be used: it is empty, in no known
 * format, without page faults, or the process is not in it.
 */
export async function checkTrace(input: CheckInput): Promise<Check> {
  const { trace, measured, machine, report, ancestors = [] } = input;
  const { format, blocks } = await openTrace(trace, report, input.format);
  if (format === "ops" || format === "strace") {
    throw new ImportError(`a ${format} file has no page faults with their times, so there is nothing to check against`);
  }
  const pid = input.pid ?? measured.pid;
  if (pid === null) throw new ImportError("the samples do not name their process (# pid N); name it with --pid");
  const watch = new Windows(ancestors.length > 0 ? following(machine) : machine, measured.samples);
  const translator = new Translator(watch, report, { pid, ancestors });
  let own = 0;
  const reading = eventBlocks(blocks, format, report, (event) => {
    if (event.pid === pid) own++;
    translator.take(event);
  });
  for await (const _ of reading);
  translator.finish();
  // What it did not do until the trace's end is told too, while it lived.
  watch.finish(translator.lifetime()?.endNs ?? 0);
  if (report.count("no_faults") > 0)
    throw new ImportError(
      "it was recorded without page faults (--light): between two snapshots the model does not know what is in use, so there is nothing to check against",
    );
  if (own === 0) throw new ImportError(`the trace has no event of process ${pid}`);
  const result: CheckResult = {
    samples: watch.checked,
    explained: watch.explained,
    explained_by_allowance: watch.byAllowance,
    zero_width: watch.zeroWidth,
    zero_width_exact: watch.zeroWidthExact,
    max_error_kb: watch.maxError,
    events: report.events,
    lost: report.count("lost"),
  };
  return { result, unexplained: watch.unexplained };
}
