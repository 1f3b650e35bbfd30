/** Calls that act on memory, or change how it is used, in a way that a trace does not show: noted with what is known of them. */
import { SLOT } from "../sizes.ts";
import { ADVICE, PR_SET_THP_DISABLE, PR_SET_VMA, UFFD_IOCTLS } from "./abi.ts";
import type { CallUnderWay } from "./call-under-way.ts";
import type { TraceEvent } from "./event.ts";
import type { ImportReport } from "./report.ts";
import type { TraceSink } from "./trace-sink.ts";

/** A process_madvise that acted: its ranges are behind a pointer, and no more is known than how many bytes they had together. */
export function noteProcessMadvise(
  under: CallUnderWay,
  event: TraceEvent,
  report: ImportReport,
  sink: TraceSink,
): void {
  const [, , ranges, behavior] = under.args;
  const advice = ADVICE[behavior] ?? `advice ${behavior}`;
  report.problem("hidden_ranges", under.line, `process_madvise ${advice} of ${event.ret} bytes in ${ranges} ranges`);
  const frees = advice === "dontneed" || advice === "dontneed_locked" || advice === "collapse";
  if (frees) sink.hidden?.(Math.floor(event.ret / SLOT), event.tid, event.timeNs);
}

/** An ioctl begins: is it one of a userfaultfd's? */
export function noteIoctl(event: TraceEvent, report: ImportReport): void {
  const name = UFFD_IOCTLS[event.args[1]];
  if (name !== undefined) report.problem("hidden_ranges", event.line, name);
}

/** A prctl that succeeded. */
export function notePrctl({ args, line }: CallUnderWay, report: ImportReport): void {
  const [option, to, , , name] = args;
  if (option === PR_SET_VMA) {
    if (name !== 0) report.problem("not_modelled", line, "prctl(PR_SET_VMA): names part mappings");
  } else if (option === PR_SET_THP_DISABLE && to !== 0) {
    report.problem("not_modelled", line, "prctl(PR_SET_THP_DISABLE): no huge pages from here on");
  }
}
