/** The columns of a sample, and the reasons why tables stay. Data only: the window imports this. */

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

/** The index of a column in a sample. */
export const SAMPLE_INDEX = Object.fromEntries(SAMPLE_COLUMNS.map(({ name }, index) => [name, index])) as Readonly<
  Record<SampleColumn, number>
>;

/** Why a PTE table stayed despite the advice. */
export const DECLINED_REASONS = ["below_pmd", "split_vma", "entry_kept", "refilled", "advice"] as const;
export type DeclinedReason = (typeof DECLINED_REASONS)[number];
