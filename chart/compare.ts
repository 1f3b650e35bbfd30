/** Runs beside each other: their figures, differences against a baseline, and the parameters that differ. */
import type { Mode, Params, ParamValue, RunSummary, Source } from "../engine/experiment/types.ts";

/** So many experiments, and lines of one chart, are told apart at a glance. */
export const COMPARED_MAX = 8;

export interface ComparableRun {
  readonly mode: Mode;
  readonly source: Source;
  readonly params: Params;
  readonly seed: number;
  readonly summary: RunSummary | null;
}

/** One number of a run's summary. */
export interface Figure {
  readonly id: string;
  readonly label: string;
  readonly unit: "kb" | "count" | "ms";
  /** Which direction is good; null where neither is. */
  readonly better: "lower" | "higher" | null;
  /** Null where a source cannot know it. */
  readonly of: (summary: RunSummary) => number | null;
}

const figure = (
  id: string,
  label: string,
  unit: Figure["unit"],
  better: Figure["better"],
  of: Figure["of"],
): Figure => ({ id, label, unit, better, of });

/** In the order in which they are shown; the first is the one that counts. */
export const FIGURES: readonly Figure[] = [
  figure("final_vmpte", "VmPTE at the end", "kb", "lower", (s) => s.final.vmpte_kb),
  figure("peak_vmpte", "VmPTE at the peak", "kb", "lower", (s) => s.peak.vmpte_kb),
  figure("pte_tables", "PTE tables at the end", "count", "lower", (s) => s.final.pte_tables),
  figure("empty_pte_tables", "of these empty", "count", "lower", (s) => s.final.empty_pte_tables),
  figure("pmd_tables", "PMD tables at the end", "count", null, (s) => s.final.pmd_tables),
  figure("pud_tables", "PUD tables at the end", "count", null, (s) => s.final.pud_tables),
  figure("reclaimed", "PTE tables reclaimed", "count", null, (s) => s.reclaimed_pte_tables),
  figure("slow_path", "of these by the slow path", "count", null, (s) => s.slow_path),
  figure("final_rss", "RSS at the end", "kb", null, (s) => s.final.rss_kb),
  figure("peak_rss", "RSS at the peak", "kb", null, (s) => s.peak.rss_kb),
  figure("virt", "VIRT at the end", "kb", null, (s) => s.final.virt_kb),
  figure("operations", "Operations", "count", null, (s) => s.operations),
  figure("wall", "Duration", "ms", null, (s) => s.wall_ms),
];

export type Direction = "better" | "worse" | "same";

export interface FigureCell {
  readonly value: number | null;
  /** Value minus baseline; null for the baseline itself and where either is unknown. */
  readonly difference: number | null;
  /** Difference as a share of the baseline: -0.998 = 99.8 % less; null where the baseline is 0. */
  readonly share: number | null;
  /** Null where neither direction is good, and where there is no difference to judge. */
  readonly direction: Direction | null;
}

export interface FigureRow {
  readonly figure: Figure;
  /** One a run, in their order. */
  readonly cells: readonly FigureCell[];
}

/** Whether a change by `difference` is good. */
export function judge(difference: number, better: Figure["better"]): Direction | null {
  if (difference === 0) return "same";
  if (better === null) return null;
  return difference < 0 === (better === "lower") ? "better" : "worse";
}

/** The figures that at least one run knows, each against the run at index `baseline`. */
export function compareFigures(
  runs: readonly Pick<ComparableRun, "summary">[],
  baseline: number,
  figures: readonly Figure[] = FIGURES,
): FigureRow[] {
  if (runs[baseline] === undefined) throw new RangeError(`no run ${baseline} to compare with`);
  return figures
    .map((row) => {
      const values = runs.map(({ summary }) => (summary ? row.of(summary) : null));
      const base = values[baseline];
      return {
        figure: row,
        cells: values.map((value, i) => {
          const difference = i === baseline || value === null || base === null ? null : value - base;
          return {
            value,
            difference,
            share: difference === null || base === null || base === 0 ? null : difference / base,
            direction: difference === null ? null : judge(difference, row.better),
          };
        }),
      };
    })
    .filter((row) => row.cells.some((cell) => cell.value !== null));
}

export interface DifferingParam {
  readonly name: string;
  /** One a run, in their order; null where the run does not have it. */
  readonly values: readonly (ParamValue | null)[];
}

/** Only the parameters (and the seed) in which the runs differ, in the order in which they first appear. */
export function differingParams(runs: readonly Pick<ComparableRun, "params" | "seed">[]): DifferingParam[] {
  const all = runs.map((run) => new Map<string, ParamValue>([...Object.entries(run.params), ["seed", run.seed]]));
  const names = new Set(all.flatMap((params) => [...params.keys()]));
  return [...names]
    .map((name) => ({ name, values: all.map((params) => params.get(name) ?? null) }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}
