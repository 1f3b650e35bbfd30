/** Events of what was found of a process that ran already. */
import type { TraceEvent } from "./event.ts";
import { readFound } from "./found.ts";
import type { ImportReport } from "./report.ts";

/** Parses one line of a found state into an event. Returns false if the line is not one; problems are reported. */
export function takeFound(text: string, line: number, event: TraceEvent, report: ImportReport): boolean | null {
  const found = readFound(text);
  if (found === null) return false;
  if (found === "damaged") {
    report.problem("not_understood", line, text);
    return null;
  }
  event.kind = found.mapping === "until" ? "until" : "found";
  event.line = line;
  event.pid = found.pid;
  event.tid = found.pid;
  event.timeNs = found.ns;
  event.found = found.mapping === "until" ? null : found.mapping;
  return true;
}
