/** A run that is under way, whatever makes it: an engine worker, or the probe on the real kernel. */
import type { RunProgress, RunSummary } from "../../engine/experiment/types.ts";
import type { LabError } from "../contract.ts";

export interface Batch {
  /** Packed samples, each in the order of SAMPLE_COLUMNS. */
  readonly rows: Float64Array;
  readonly progress: RunProgress;
}

export type Ending =
  | { readonly status: "done" | "cancelled"; readonly summary: RunSummary | null }
  | { readonly status: "failed"; readonly error: LabError };

export interface Execution {
  /** Asks the run to end soon as cancelled; may be called twice. */
  stop(): void;
  /** How it ended; never rejects. Every batch has been given to `onBatch` before. */
  readonly ended: Promise<Ending>;
}

/** Called with batches in order; what it throws ends the run as failed. */
export type OnBatch = (batch: Batch) => void;
