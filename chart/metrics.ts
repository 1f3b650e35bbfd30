/** What a chart of runs can show over operations or time: one column of the samples, or several summed. */
import type { ColumnInfo, SampleColumn } from "../engine/experiment/types.ts";

export interface Metric {
  readonly id: string;
  /** As the axis says it. */
  readonly label: string;
  /** As a switch says it. */
  readonly short: string;
  readonly unit: ColumnInfo["unit"];
  /** Summed. */
  readonly columns: readonly SampleColumn[];
  /** Which direction is good; null where neither is. */
  readonly better: "lower" | "higher" | null;
}

const metric = (
  id: string,
  label: string,
  short: string,
  unit: Metric["unit"],
  better: Metric["better"],
  ...columns: SampleColumn[]
): Metric => ({ id, label, short, unit, better, columns });

/** In the order in which they are offered; the first is what the lab is about. */
export const METRICS: readonly Metric[] = [
  metric("vmpte", "VmPTE", "VmPTE", "kb", "lower", "vmpte_kb"),
  metric("empty", "Empty PTE tables", "Empty tables", "count", "lower", "empty_pte_tables"),
  metric("pte", "PTE tables", "PTE tables", "count", "lower", "pte_tables"),
  metric("pmd", "PMD tables", "PMD tables", "count", null, "pmd_tables"),
  metric("pud", "PUD tables", "PUD tables", "count", null, "pud_tables"),
  metric("rss", "RSS", "RSS", "kb", null, "rss_kb"),
  metric("virt", "VIRT", "VIRT", "kb", null, "virt_kb"),
  metric("freed", "Tables freed", "Freed", "count", null, "tables_freed"),
  metric("tlb", "TLB flushes", "TLB flushes", "count", "lower", "tlb_flushes_paged", "tlb_flushes_full"),
  metric("ipis", "IPIs", "IPIs", "count", "lower", "ipis"),
  metric("faults", "Page faults", "Faults", "count", "lower", "faults"),
];

export function metricById(id: string): Metric | undefined {
  return METRICS.find((candidate) => candidate.id === id);
}

export type Axis = "operations" | "time";

export const AXIS_COLUMN = { operations: "operations", time: "time_ns" } as const satisfies Record<Axis, SampleColumn>;
