/**
 * What an experiment is made of and what it yields: the types that every part of the lab shares.
 * Types and plain tables only, so that the window may import this file.
 */

import type { MeasuredPolicyId } from "./policies.ts";
import type { Releases } from "./releases.ts";
import type { TrialRun } from "./trial.ts";

/** A run's mode is the policy that it is made under. */
export type Mode = MeasuredPolicyId;
export const MODES = ["sync", "none"] as const satisfies readonly Mode[];

/** Where a run's numbers come from: the engine, or the running kernel through the probe. */
export type Source = "model" | "kernel";

export type RunStatus = "queued" | "running" | "done" | "cancelled" | "failed" | "interrupted";

/** A workload's parameter value: bytes and counts are numbers, choices are strings. */
export type ParamValue = number | string | boolean;
export type Params = Readonly<Record<string, ParamValue>>;

/** How a sample's column is shown. `unit` is also the suffix of its name. */
export interface ColumnInfo {
  readonly name: string;
  readonly label: string;
  readonly unit: "kb" | "count" | "ns";
  /** Filled in measured runs too? */
  readonly measured: boolean;
}

/**
 * The columns of a sample, in the order in which they are stored, exported and shown. All are whole numbers.
 * Names carry their unit: `_kb` kibibytes, `_ns` nanoseconds, otherwise a count.
 */
export const SAMPLE_COLUMNS = [
  { name: "seq", label: "sample", unit: "count", measured: true },
  { name: "operations", label: "operations", unit: "count", measured: true },
  { name: "time_ns", label: "time", unit: "ns", measured: true },
  { name: "vmpte_kb", label: "VmPTE", unit: "kb", measured: true },
  { name: "pte_tables", label: "PTE tables", unit: "count", measured: false },
  { name: "pmd_tables", label: "PMD tables", unit: "count", measured: false },
  { name: "pud_tables", label: "PUD tables", unit: "count", measured: false },
  { name: "empty_pte_tables", label: "Empty PTE tables", unit: "count", measured: false },
  { name: "rss_kb", label: "RSS", unit: "kb", measured: true },
  { name: "swap_kb", label: "Swap", unit: "kb", measured: false },
  { name: "virt_kb", label: "VIRT", unit: "kb", measured: true },
  { name: "tables_allocated", label: "Tables allocated", unit: "count", measured: false },
  { name: "tables_freed", label: "Tables freed", unit: "count", measured: false },
  { name: "tables_rcu_pending", label: "Tables waiting for RCU", unit: "count", measured: false },
  { name: "reclaimed_fast", label: "Reclaimed, fast path", unit: "count", measured: false },
  { name: "reclaimed_slow", label: "Reclaimed, slow path", unit: "count", measured: false },
  { name: "declined_below_pmd", label: "Declined: range does not cover the table", unit: "count", measured: false },
  { name: "declined_split_vma", label: "Declined: two VMAs share the table", unit: "count", measured: false },
  { name: "declined_entry_kept", label: "Declined: an entry was kept", unit: "count", measured: false },
  { name: "declined_refilled", label: "Declined: refilled before the recheck", unit: "count", measured: false },
  { name: "declined_advice", label: "Declined: advice that never reclaims", unit: "count", measured: false },
  { name: "tlb_flushes_paged", label: "TLB flushes, page by page", unit: "count", measured: false },
  { name: "tlb_flushes_full", label: "TLB flushes, full", unit: "count", measured: false },
  { name: "tlb_pages_flushed", label: "Pages flushed from the TLB", unit: "count", measured: false },
  { name: "ipis", label: "IPIs", unit: "count", measured: false },
  { name: "entries_zapped", label: "Entries zapped", unit: "count", measured: false },
  { name: "none_skipped", label: "None entries skipped", unit: "count", measured: false },
  { name: "faults", label: "Page faults", unit: "count", measured: false },
] as const satisfies readonly ColumnInfo[];

export type SampleColumn = (typeof SAMPLE_COLUMNS)[number]["name"];

/** Where a column stands in a sample. */
export const SAMPLE_INDEX = Object.fromEntries(SAMPLE_COLUMNS.map(({ name }, index) => [name, index])) as Readonly<
  Record<SampleColumn, number>
>;

/** One sample: a row of numbers in the order of SAMPLE_COLUMNS. Columns that a source cannot know are NaN (stored NULL). */
export type SampleRow = Float64Array;

/** Columns of samples, for charts: one array a column, all of one length. */
export type SampleColumns = Record<SampleColumn, Float64Array>;

export const DECLINED_REASONS = ["below_pmd", "split_vma", "entry_kept", "refilled", "advice"] as const;
export type DeclinedReason = (typeof DECLINED_REASONS)[number];

export interface SteadyState {
  /** How long it lasted: a share of the run, 0 to 1. */
  readonly share: number;
  /** Does it begin with the last MADV_DONTNEED? Else it is the last tenth. */
  readonly after_release: boolean;
  readonly average_vmpte_kb: number;
  readonly average_empty_pte_tables: number;
}

/** What freeing empty tables cost a run, by the cost model (engine/mm/cost.ts); ns are simulated. */
export interface PolicyCost {
  /** Added to the program's own calls and faults, in all; and to the one that bore most. */
  readonly caller_ns: number;
  readonly longest_call_ns: number;
  /** Work beside them: on the way back to user space, or by others. */
  readonly background_ns: number;
  /** Tables that had to be built again where the policy had freed one. */
  readonly rebuilt_tables: number;
  /** TLB flushes of the whole run, whatever for. */
  readonly tlb_flushes: number;
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
    readonly virt_kb: number;
  };
  readonly peak: { readonly vmpte_kb: number; readonly rss_kb: number };
  readonly reclaimed_pte_tables: number | null;
  readonly slow_path: number | null;
  readonly declined: Readonly<Record<DeclinedReason, number>> | null;
  /** null: the running kernel does not tell. Absent in a run that was made before it was counted. */
  readonly cost?: PolicyCost | null;
  /** VmPTE on average, by the program's clock where its trace has one, else over the operations; where the maker of the run counts it. */
  readonly average_vmpte_kb?: number;
  /** How long the program ran, in nanoseconds; where its trace has a clock. */
  readonly program_ns?: number;
  /** PTE tables that were empty, on average likewise. */
  readonly average_empty_pte_tables?: number;
  /** What it was in the end: from the last MADV_DONTNEED on, but at least the last tenth of the run. */
  readonly steady?: SteadyState;
  /** Of a run of a trial: what it came to. */
  readonly trial?: TrialRun;
  /** What became of the workload's releases; likewise. */
  readonly releases?: Releases;
}

/** Progress of a run that is under way. */
export interface RunProgress {
  readonly operations: number;
  /** Unknown (null) for a stream whose length is not known before its end. */
  readonly operationsTotal: number | null;
  readonly operationsPerSecond: number;
}

/** The kernel that a run models, or was measured on. */
export interface KernelConfig {
  readonly ptReclaim: boolean;
  readonly arch: "x86_64" | "i386";
  readonly smp: boolean;
  readonly levels: 4 | 5;
}
