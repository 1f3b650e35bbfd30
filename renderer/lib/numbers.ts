import type { RunSummary, SampleColumn } from "../../engine/experiment/types.ts";

/** A line of the numbers beside the chart: one number a mode, in the same order and unit everywhere. */
export interface NumberLine {
  readonly id: string;
  readonly label: string;
  readonly unit: "kB" | "";
  readonly sync: number | null;
  readonly none: number | null;
  /** Part of the line above. */
  readonly part?: boolean;
}

/** What is known of one mode: its summary, and its last sample for what the summary has not. */
export interface ModeNumbers {
  readonly summary: RunSummary | null;
  last(column: SampleColumn): number | null;
  /** Of the samples so far, for a run that has no summary yet. */
  peak(column: SampleColumn): number | null;
}

const LINES: readonly {
  readonly id: string;
  readonly label: string;
  readonly unit: "kB" | "";
  readonly part?: boolean;
  readonly of: (run: ModeNumbers) => number | null | undefined;
}[] = [
  {
    id: "vmpte-end",
    label: "VmPTE at end",
    unit: "kB",
    of: (run) => run.summary?.final.vmpte_kb ?? run.last("vmpte_kb"),
  },
  {
    id: "vmpte-peak",
    label: "VmPTE peak",
    unit: "kB",
    of: (run) => run.summary?.peak.vmpte_kb ?? run.peak("vmpte_kb"),
  },
  {
    id: "pte-tables",
    label: "PTE tables",
    unit: "",
    of: (run) => run.summary?.final.pte_tables ?? run.last("pte_tables"),
  },
  {
    id: "empty",
    label: "of these empty",
    unit: "",
    part: true,
    of: (run) => run.summary?.final.empty_pte_tables ?? run.last("empty_pte_tables"),
  },
  {
    id: "pmd-tables",
    label: "PMD tables",
    unit: "",
    of: (run) => run.summary?.final.pmd_tables ?? run.last("pmd_tables"),
  },
  { id: "freed", label: "Tables freed", unit: "", of: (run) => run.last("tables_freed") },
  { id: "rcu", label: "waiting for RCU", unit: "", part: true, of: (run) => run.last("tables_rcu_pending") },
  { id: "rss-end", label: "RSS at end", unit: "kB", of: (run) => run.summary?.final.rss_kb ?? run.last("rss_kb") },
  { id: "rss-peak", label: "RSS peak", unit: "kB", of: (run) => run.summary?.peak.rss_kb ?? run.peak("rss_kb") },
  { id: "virt", label: "VIRT", unit: "kB", of: (run) => run.summary?.final.virt_kb ?? run.last("virt_kb") },
  {
    id: "tlb",
    label: "TLB flushes",
    unit: "",
    of: (run) => sum(run.last("tlb_flushes_paged"), run.last("tlb_flushes_full")),
  },
  { id: "ipis", label: "IPIs", unit: "", of: (run) => run.last("ipis") },
  { id: "faults", label: "Page faults", unit: "", of: (run) => run.last("faults") },
];

const sum = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);
const known = (value: number | null | undefined): number | null =>
  value === undefined || value === null || Number.isNaN(value) ? null : value;

/** The lines of which at least one mode knows its number. */
export function numberLines(sync: ModeNumbers | undefined, none: ModeNumbers | undefined): NumberLine[] {
  return LINES.map(({ of, ...line }) => ({
    ...line,
    sync: sync ? known(of(sync)) : null,
    none: none ? known(of(none)) : null,
  })).filter((line) => line.sync !== null || line.none !== null);
}
