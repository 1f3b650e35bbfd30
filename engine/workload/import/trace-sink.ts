/** What a translated trace is given to, and how it is to be translated. */
import type { Operation } from "../operation.ts";
import type { Call } from "./event.ts";

/** What becomes of the followed process. All but `operation` matter to a comparison with measured samples only. */
export interface TraceSink {
  /** An operation takes effect. `fault`: it is an access that began now; its end is not in the trace. */
  operation(operation: Operation, tid: number, timeNs: number, fault: boolean): void;
  /** Anything of a thread: what it did before is over. */
  seen?(tid: number, timeNs: number): void;
  /** A call that may change the address space is under way. */
  began?(tid: number, timeNs: number, call: Call): void;
  /** It is over; its operations have been given. */
  ended?(tid: number, timeNs: number): void;
  /** [start, end) was just mapped, and the trace will not show when that ends. */
  unsure?(start: number, end: number): void;
  /** What the process was found to be is given from here on, up to `found`. */
  finding?(): void;
  /** What the process was found to be has been given; it had been read by then. */
  found?(timeNs: number): void;
  /** A call acted on memory that the trace does not name: up to so many PTE tables may have gone. */
  hidden?(tablesGone: number, tid: number, timeNs: number): void;
}

export interface TranslateOptions {
  /** The process to follow. */
  readonly pid: number;
  /** What it was forked from (TracedProcess.ancestors): followed first, each up to the fork of the next. */
  readonly ancestors?: readonly number[];
  /** Take every page that becomes accessible as touched at once: for traces without page faults. */
  readonly touchOnMap?: boolean;
}
