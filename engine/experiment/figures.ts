/**
 * What is counted in a run, in one list: what a chart draws over time, and the figures that tables, sentences, exports and
 * comparisons are made of.
 */
import type { Unit } from "./format.ts";
import type { RunSummary, SampleColumn } from "./types.ts";

/** Which direction is good; null where neither is. */
export type Better = "lower" | "higher" | null;

/** A run as far as it is known: its summary, and, where they are at hand, its samples. */
export interface KnownRun {
  readonly summary: RunSummary | null;
  /** The last value of a column; null where it is not known. */
  readonly last?: (column: SampleColumn) => number | null;
  /** The largest value of a column so far. */
  readonly peak?: (column: SampleColumn) => number | null;
}

/** One number of a run. */
export interface Figure {
  readonly id: string;
  readonly label: string;
  readonly unit: Unit;
  readonly better: Better;
  /** It is a part of the one above. */
  readonly part: boolean;
  /** Null where a source cannot know it. */
  readonly of: (run: KnownRun) => number | null;
}

/** What a chart of runs can show over operations or time: one column of the samples, or several summed. */
export interface Metric {
  readonly id: string;
  /** As the axis says it. */
  readonly label: string;
  /** As a switch says it. */
  readonly short: string;
  readonly unit: Unit;
  readonly better: Better;
  /** Summed. */
  readonly columns: readonly SampleColumn[];
}

interface Quantity extends Metric {
  /** Can a chart draw it? */
  readonly drawn: boolean;
  readonly figures: readonly Figure[];
}

type FromSummary = (summary: RunSummary) => number | null | undefined;
type Moment = readonly [
  id: string,
  label: string,
  from: "end" | "peak" | "run",
  of: FromSummary,
  /** It is a part of the moment above. */
  part?: boolean,
];

function sumOf(columns: readonly SampleColumn[], read: KnownRun["last"]): number | null {
  if (read === undefined || columns.length === 0) return null;
  const values = columns.map((column) => read(column) ?? Number.NaN);
  const sum = values.reduce((a, b) => a + b, 0);
  return Number.isNaN(sum) ? null : sum;
}

function quantity(
  about: Omit<Quantity, "figures" | "drawn"> & { readonly part?: boolean; readonly drawn?: boolean },
  ...moments: readonly Moment[]
): Quantity {
  const { part = false, drawn = true, ...metric } = about;
  const figures = moments.map(([id, label, from, of, ofAbove = part]): Figure => {
    const sampled = (run: KnownRun) =>
      from === "run" ? null : sumOf(metric.columns, from === "end" ? run.last : run.peak);
    return {
      id,
      label,
      unit: metric.unit,
      better: metric.better,
      part: ofAbove,
      of: (run) => (run.summary ? of(run.summary) : undefined) ?? sampled(run),
    };
  });
  return { ...metric, drawn, figures };
}

const unknown: FromSummary = () => undefined;

/** In the order in which they are shown; the first is what the lab is about. */
const QUANTITIES: readonly Quantity[] = [
  quantity(
    { id: "vmpte", label: "VmPTE", short: "VmPTE", unit: "kb", better: "lower", columns: ["vmpte_kb"] },
    ["final_vmpte", "VmPTE at the end", "end", (s) => s.final.vmpte_kb],
    ["peak_vmpte", "VmPTE at the peak", "peak", (s) => s.peak.vmpte_kb],
    ["average_vmpte", "VmPTE on average", "run", (s) => s.average_vmpte_kb],
  ),
  quantity(
    { id: "pte", label: "PTE tables", short: "PTE tables", unit: "count", better: "lower", columns: ["pte_tables"] },
    ["pte_tables", "PTE tables at the end", "end", (s) => s.final.pte_tables],
  ),
  quantity(
    {
      id: "empty",
      label: "Empty PTE tables",
      short: "Empty tables",
      unit: "count",
      better: "lower",
      columns: ["empty_pte_tables"],
      part: true,
    },
    ["empty_pte_tables", "of these empty", "end", (s) => s.final.empty_pte_tables],
  ),
  quantity(
    { id: "pmd", label: "PMD tables", short: "PMD tables", unit: "count", better: null, columns: ["pmd_tables"] },
    ["pmd_tables", "PMD tables at the end", "end", (s) => s.final.pmd_tables],
  ),
  quantity(
    { id: "pud", label: "PUD tables", short: "PUD tables", unit: "count", better: null, columns: ["pud_tables"] },
    ["pud_tables", "PUD tables at the end", "end", (s) => s.final.pud_tables],
  ),
  quantity(
    {
      id: "reclaimed",
      label: "PTE tables reclaimed",
      short: "Reclaimed",
      unit: "count",
      better: null,
      columns: ["reclaimed_fast", "reclaimed_slow"],
    },
    ["reclaimed", "PTE tables reclaimed", "end", (s) => s.reclaimed_pte_tables],
  ),
  quantity(
    {
      id: "slow",
      label: "PTE tables reclaimed by the slow path",
      short: "Slow path",
      unit: "count",
      better: null,
      columns: ["reclaimed_slow"],
      drawn: false,
      part: true,
    },
    ["slow_path", "of these by the slow path", "end", (s) => s.slow_path],
  ),
  quantity(
    { id: "freed", label: "Tables freed", short: "Freed", unit: "count", better: null, columns: ["tables_freed"] },
    ["tables_freed", "Tables freed", "end", unknown],
  ),
  quantity(
    {
      id: "rcu",
      label: "Tables waiting for RCU",
      short: "Waiting for RCU",
      unit: "count",
      better: null,
      columns: ["tables_rcu_pending"],
      drawn: false,
      part: true,
    },
    ["tables_rcu_pending", "waiting for RCU", "end", unknown],
  ),
  quantity(
    { id: "rss", label: "RSS", short: "RSS", unit: "kb", better: null, columns: ["rss_kb"] },
    ["final_rss", "RSS at the end", "end", (s) => s.final.rss_kb],
    ["peak_rss", "RSS at the peak", "peak", (s) => s.peak.rss_kb],
  ),
  quantity({ id: "virt", label: "VIRT", short: "VIRT", unit: "kb", better: null, columns: ["virt_kb"] }, [
    "virt",
    "VIRT at the end",
    "end",
    (s) => s.final.virt_kb || null,
  ]),
  quantity(
    {
      id: "tlb",
      label: "TLB flushes",
      short: "TLB flushes",
      unit: "count",
      better: "lower",
      columns: ["tlb_flushes_paged", "tlb_flushes_full"],
    },
    ["tlb_flushes", "TLB flushes", "end", unknown],
  ),
  quantity({ id: "ipis", label: "IPIs", short: "IPIs", unit: "count", better: "lower", columns: ["ipis"] }, [
    "ipis",
    "IPIs",
    "end",
    unknown,
  ]),
  quantity(
    { id: "faults", label: "Page faults", short: "Faults", unit: "count", better: "lower", columns: ["faults"] },
    ["faults", "Page faults", "end", unknown],
  ),
  quantity(
    { id: "caller", label: "Added to calls", short: "Calls", unit: "ns", better: "lower", columns: [], drawn: false },
    ["caller_ns", "Added to the program's calls", "run", (s) => s.cost?.caller_ns],
    ["longest_call_ns", "of these in the longest call", "run", (s) => s.cost?.longest_call_ns, true],
    ["background_ns", "Work in the background", "run", (s) => s.cost?.background_ns],
  ),
  quantity(
    {
      id: "rebuilt",
      label: "Tables rebuilt",
      short: "Rebuilt",
      unit: "count",
      better: "lower",
      columns: [],
      drawn: false,
    },
    ["rebuilt_tables", "Tables rebuilt", "run", (s) => s.cost?.rebuilt_tables],
  ),
  quantity(
    {
      id: "operations",
      label: "Operations",
      short: "Operations",
      unit: "count",
      better: null,
      columns: ["operations"],
      drawn: false,
    },
    // Of readings of a program, which count none, it is not known.
    ["operations", "Operations", "end", (s) => (s.operations > 0 ? s.operations : null)],
  ),
  quantity({ id: "wall", label: "Duration", short: "Duration", unit: "ms", better: null, columns: [], drawn: false }, [
    "wall",
    "Duration",
    "run",
    (s) => s.wall_ms,
  ]),
];

export const FIGURES: readonly Figure[] = QUANTITIES.flatMap(({ figures }) => figures);

/** The figure of this id; there is one. */
export function figureById(id: string): Figure {
  const found = FIGURES.find((figure) => figure.id === id);
  if (found === undefined) throw new RangeError(`there is no figure ${id}`);
  return found;
}

/** What a chart can draw. */
export const METRICS: readonly Metric[] = QUANTITIES.filter(({ drawn }) => drawn);

export function metricById(id: string): Metric | undefined {
  return METRICS.find((candidate) => candidate.id === id);
}
