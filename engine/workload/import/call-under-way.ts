/** What an importer remembers of a call between its begin and its end. */
import type { Call } from "./event.ts";

export interface CallUnderWay {
  readonly call: Call;
  readonly args: readonly number[];
  readonly line: number;
  /** TraceEvent.stack of its begin. */
  readonly stack: readonly string[] | null;
  /** Took effect already, because a later call could only have succeeded after it. */
  applied: boolean;
  /** What it mapped: the MMAP2 record between begin and end. */
  mapping: Mapping | null;
  /** Processes that it made and that share the address space, for all that is known before its end. */
  readonly sharing: number[];
}

/** An MMAP2 record. */
export interface Mapping {
  readonly address: number;
  readonly length: number;
  readonly prot: number;
  readonly shared: boolean;
  readonly pgoff: number;
  readonly name: string;
  readonly fileKey: string;
}
