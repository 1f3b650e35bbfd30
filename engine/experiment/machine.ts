import type { Operation } from "../workload/operation.ts";
import type { SampleRow } from "./types.ts";

/** What a run, a check or a verdict needs of a modelled kernel. */
export interface Machine {
  /** Performs one operation. Failures are results (an errno), never exceptions. */
  execute(operation: Operation): unknown;
  /** Writes the present state into a row of SAMPLE_COLUMNS, `seq` and `operations` aside. */
  sampleInto(row: SampleRow): void;
  /** Present VmPTE in kB, cheap enough to ask after every operation. */
  readonly vmpteKb: number;
  /** Present RSS in kB, likewise. */
  readonly rssKb: number;
}
