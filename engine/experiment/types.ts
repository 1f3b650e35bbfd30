/**
 * What an experiment is made of and what it yields: the types that every part of the lab shares.
 * Types and plain tables only, so that the window may import this file.
 */

import type { PolicyCost } from "../mm/policy-cost.ts";
import type { DeclinedReason, SampleColumn } from "../mm/sample-columns.ts";
import type { BlameEntry } from "./blame.ts";
import type { PolicyId } from "./policies.ts";
import type { Releases } from "./releases.ts";
import type { TrialRun } from "./trial.ts";

export type { PolicyCost } from "../mm/policy-cost.ts";
export type { DeclinedReason, SampleColumn } from "../mm/sample-columns.ts";
export { DECLINED_REASONS, SAMPLE_COLUMNS, SAMPLE_INDEX } from "../mm/sample-columns.ts";

/** A run's mode is the policy that it is made under. */
export type Mode = PolicyId;

/** Where a run's numbers come from: the engine, or the running kernel through the probe. */
export type Source = "model" | "kernel";

export type RunStatus = "queued" | "running" | "done" | "cancelled" | "failed" | "interrupted";

/** A workload's parameter value: bytes and counts are numbers, choices are strings. */
export type ParamValue = number | string | boolean;
export type Params = Readonly<Record<string, ParamValue>>;

/** One sample: a row of numbers in the order of SAMPLE_COLUMNS. Columns that a source cannot know are NaN (stored NULL). */
export type SampleRow = Float64Array;

/** Columns of samples, for charts: one array a column, all of one length. */
export type SampleColumns = Record<SampleColumn, Float64Array>;

export interface SteadyState {
  /** How long it lasted: a share of the run, 0 to 1. */
  readonly share: number;
  /** Does it begin with the last MADV_DONTNEED? Else it is the last tenth. */
  readonly after_release: boolean;
  readonly average_vmpte_kb: number;
  readonly average_empty_pte_tables: number;
}

/** What one process of a service came to. */
export interface ProcessFigures {
  /** Its number in the operations. */
  readonly process: number;
  readonly pid: number;
  readonly comm: string;
  /** Whether it was there at the end. */
  readonly lives: boolean;
  readonly peak_vmpte_kb: number;
  /** While it lived, by the program's clock where the trace has one, else over the operations. */
  readonly average_vmpte_kb: number;
  /** At the end, or 0 where it had ended. */
  readonly final_vmpte_kb: number;
  readonly empty_pte_tables: number;
  readonly peak_rss_kb: number;
  /** VmPTE over the run, from a step of it on: the most in each step, in kB. Absent in what was made before it was kept. */
  readonly line?: { readonly from: number; readonly kb: number[] };
}

/** Moments that explain what follows: a process was made, or replaced by another program. */
export const RUN_EVENTS = ["fork", "exec"] as const;

/** A moment of a run. */
export interface RunEvent {
  readonly what: (typeof RUN_EVENTS)[number];
  /** Operations done with it. */
  readonly operations: number;
  /** By the program's clock; null: it has none. */
  readonly time_ns: number | null;
}

/** The numbers of a run that matter; the shape is the command line's `--json` (design: The command line). */
export interface RunSummary {
  readonly operations: number;
  readonly wall_ms: number;
  readonly final: {
    readonly vmpte_kb: number;
    readonly pte_tables: number | null;
    readonly pmd_tables: number | null;
    readonly pud_tables: number | null;
    readonly empty_pte_tables: number | null;
    readonly rss_kb: number;
    /** Null where it was not read; 0 in histories of older versions. */
    readonly virt_kb: number | null;
  };
  readonly peak: { readonly vmpte_kb: number; readonly rss_kb: number };
  readonly reclaimed_pte_tables: number | null;
  readonly slow_path: number | null;
  readonly declined: Readonly<Record<DeclinedReason, number>> | null;
  /** null: the running kernel does not tell. Absent in a run that was made before it was counted. */
  readonly cost?: PolicyCost | null;
  /** VmPTE on average, by the program's clock where its trace has one, else over the operations; where the maker of the run counts it. */
  readonly average_vmpte_kb?: number;
  /** The first of its forks and execs; absent where there were none. */
  readonly events?: RunEvent[];
  /** How long the program ran, in nanoseconds; where its trace has a clock. */
  readonly program_ns?: number;
  /** RSS on average, in the same way; for runs of the model. */
  readonly average_rss_kb?: number;
  /** Of a run of a service, whose numbers are the sums: how many processes it had, and those with the largest peaks. */
  readonly processes?: {
    readonly all: number;
    /** How long a step of their lines is: ns of the program's clock, else operations. */
    readonly step?: number;
    readonly largest: ProcessFigures[];
  };
  /** Empty PTE tables on average, in the same way. */
  readonly average_empty_pte_tables?: number;
  /** What it was in the end: from the last MADV_DONTNEED on, but at least the last tenth of the run. */
  readonly steady?: SteadyState;
  /** Of a run of a trial: what it came to. */
  readonly trial?: TrialRun;
  /** Who emptied the PTE tables that are empty at the end, and at the peak of VmPTE; of runs of the model. */
  readonly blame?: { readonly peak: BlameEntry[]; readonly end: BlameEntry[] };
  /** What became of the workload's releases, in the same way. */
  readonly releases?: Releases;
}

/** Progress of a run that is under way. */
export interface RunProgress {
  readonly operations: number;
  /** Unknown (null) for a stream whose length is not known before its end. */
  readonly operationsTotal: number | null;
  readonly operationsPerSecond: number;
}
