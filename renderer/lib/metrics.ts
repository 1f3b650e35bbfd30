import { SAMPLE_COLUMNS, type SampleColumn } from "../../engine/experiment/types.ts";
import { formatCount, formatKb, formatNs, formatShort, formatSizeKb } from "./format.ts";

/** Something that can be drawn over a run: one column of its samples, or several added up. */
export interface Metric {
  readonly id: string;
  readonly label: string;
  /** As short as a switch needs it. */
  readonly short: string;
  readonly unit: "kb" | "count" | "ns";
  readonly columns: readonly SampleColumn[];
  /** Do measured runs have it? */
  readonly measured: boolean;
}

const SHORT: Partial<Record<SampleColumn, string>> = {
  empty_pte_tables: "Empty tables",
  tables_freed: "Freed",
  tables_rcu_pending: "Waiting for RCU",
};

const TLB: Metric = {
  id: "tlb_flushes",
  label: "TLB flushes",
  short: "TLB flushes",
  unit: "count",
  columns: ["tlb_flushes_paged", "tlb_flushes_full"],
  measured: false,
};

const NOT_DRAWN: readonly SampleColumn[] = ["seq", "operations", "time_ns"];

export const METRICS: readonly Metric[] = [
  ...SAMPLE_COLUMNS.filter((column) => !NOT_DRAWN.includes(column.name)).map((column) => ({
    id: column.name,
    label: column.label,
    short: SHORT[column.name] ?? column.label,
    unit: column.unit,
    columns: [column.name],
    measured: column.measured,
  })),
  TLB,
];

const PROMINENT = ["vmpte_kb", "empty_pte_tables", "rss_kb", "tables_freed", "tlb_flushes"];

/** The metrics that have a switch of their own; the others are in the list beside them. */
export const PROMINENT_METRICS: readonly Metric[] = PROMINENT.map((id) => findMetric(id));
export const OTHER_METRICS: readonly Metric[] = METRICS.filter((metric) => !PROMINENT.includes(metric.id));

/** A metric by its id; VmPTE where there is none of that name (settings of another version). */
export function findMetric(id: string): Metric {
  const found = METRICS.find((metric) => metric.id === id) ?? METRICS[0];
  if (!found) throw new Error("no metrics");
  return found;
}

/** A value in full, with its unit. */
export function formatMetric(metric: Pick<Metric, "unit">, value: number): string {
  if (metric.unit === "kb") return formatKb(value);
  return metric.unit === "ns" ? formatNs(value) : formatCount(value);
}

/** A value as an axis has it: short. */
export function formatTick(metric: Pick<Metric, "unit">, value: number): string {
  if (metric.unit === "kb") return value >= 1_000_000 ? formatSizeKb(value) : formatKb(value);
  return metric.unit === "ns" ? formatNs(value) : formatShort(value);
}

/** A metric's values from its columns. */
export function metricValues(metric: Metric, column: (name: SampleColumn) => Float64Array): Float64Array {
  const [first, ...others] = metric.columns;
  if (!first) return new Float64Array(0);
  const values = column(first);
  if (others.length === 0) return values;
  const sum = values.slice();
  for (const name of others) {
    const added = column(name);
    for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] ?? 0) + (added[at] ?? Number.NaN);
  }
  return sum;
}
