/**
 * Runs against a baseline: the one comparison that sentences, tables, exports, reports, sweeps, the history and the verdict
 * are made from. Any number of runs, told by their ids; a policy is never taken by its name or its place.
 */
import { leastOf, mostOf } from "./extremes.ts";
import { type Better, FIGURES, type Figure, type KnownRun } from "./figures.ts";
import { baselineOf, POLICY_IDS, type PolicyId } from "./policies.ts";
import type { Params, ParamValue, RunSummary, Source } from "./types.ts";

/** So many experiments, and lines of one chart, are told apart at a glance. */
export const COMPARED_MAX = 8;

/** What tells runs of one workload apart. */
export interface RunKind {
  readonly mode: PolicyId;
  readonly source: Source;
}

export interface ComparableRun extends RunKind, KnownRun {
  readonly id: number | string;
}

const SOURCES = ["model", "kernel"] as const satisfies readonly Source[];

/** Policies in the table's order, of each the model before the measured run, otherwise as given. */
export function inRunOrder<R extends RunKind>(runs: readonly R[]): R[] {
  const rank = (run: R) => POLICY_IDS.indexOf(run.mode) * SOURCES.length + SOURCES.indexOf(run.source);
  return runs.toSorted((a, b) => rank(a) - rank(b));
}

/** The runs of the source that results are said from: the model's, else the kernel's; of those with a result, where any have. */
export function ofOneSource<R extends Pick<ComparableRun, "source" | "summary">>(runs: readonly R[]): R[] {
  const known = runs.filter((run) => run.summary !== null);
  const from = (known.length > 0 ? known : runs).some((run) => run.source === "model") ? "model" : "kernel";
  return runs.filter((run) => run.source === from);
}

/** The run that others are compared with: of the chosen policy where there is one, else of the default one; a model's first. */
export function baselineRun<R extends RunKind>(runs: readonly R[], chosen?: PolicyId): R | undefined {
  const ordered = inRunOrder(runs);
  const base = ordered.some((run) => run.mode === chosen) ? chosen : baselineOf(runs.map((run) => run.mode));
  return ordered.find((run) => run.mode === base);
}

export type Direction = "better" | "worse" | "same";

export interface FigureCell {
  readonly value: number | null;
  /** Value minus baseline; null for the baseline itself, where either is unknown, and while either is under way: they are at places of their own. */
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

/** How much less page-table memory a run needs than the baseline. */
export interface Saving {
  /** At the end; where the ends are alike, averaged over the program's time if it has a clock, else at the peak. */
  readonly at: "end" | "average" | "peak";
  readonly kb: number;
  readonly baselineKb: number;
  /** 0.998 = 99.8 % less; below 0 = more. */
  readonly share: number;
}

export interface ComparedRun<R> {
  readonly run: R;
  readonly isBaseline: boolean;
  /** Null for the baseline, without results, and where the two were stopped each at an operation of its own. */
  readonly saving: Saving | null;
}

export interface RunComparison<R> {
  readonly baseline: R;
  /** As given. */
  readonly runs: readonly ComparedRun<R>[];
  /** The figures that at least one run knows. */
  readonly rows: readonly FigureRow[];
}

/** Whether a change by `difference` is good. */
export function judge(difference: number, better: Better): Direction | null {
  if (difference === 0) return "same";
  if (better === null) return null;
  return difference < 0 === (better === "lower") ? "better" : "worse";
}

/** The saving of `kb` against `baselineKb` as a share of it. */
function savedShare(kb: number, baselineKb: number): number {
  return baselineKb === 0 ? 0 : (baselineKb - kb) / baselineKb;
}

function savingOf(summary: RunSummary | null, base: RunSummary | null): Saving | null {
  if (!summary || !base || summary.operations !== base.operations) return null;
  const saving = (at: Saving["at"], kb: number, baselineKb: number): Saving => ({
    at,
    kb,
    baselineKb,
    share: savedShare(kb, baselineKb),
  });
  const { final, peak, average_vmpte_kb: average, program_ns: clock } = summary;
  if (final.vmpte_kb === base.final.vmpte_kb) {
    const [averageKb, baseKb] = [average, base.average_vmpte_kb];
    const clocked = clock !== undefined && base.program_ns !== undefined;
    if (clocked && averageKb !== undefined && baseKb !== undefined && averageKb !== baseKb)
      return saving("average", averageKb, baseKb);
    if (peak.vmpte_kb !== base.peak.vmpte_kb) return saving("peak", peak.vmpte_kb, base.peak.vmpte_kb);
  }
  return saving("end", final.vmpte_kb, base.final.vmpte_kb);
}

function cellOf(value: number | null, base: number | null, isBaseline: boolean, better: Better): FigureCell {
  const difference = isBaseline || value === null || base === null ? null : value - base;
  return {
    value,
    difference,
    share: difference === null || base === null || base === 0 ? null : difference / base,
    direction: difference === null ? null : judge(difference, better),
  };
}

/** Every run against the one with `baselineId`. Throws RangeError if there is none. */
export function compareRuns<R extends ComparableRun>(
  runs: readonly R[],
  baselineId: R["id"],
  figures: readonly Figure[] = FIGURES,
): RunComparison<R> {
  const baseline = runs.find((run) => run.id === baselineId);
  if (baseline === undefined) throw new RangeError(`no run ${baselineId} to compare with`);
  return {
    baseline,
    runs: runs.map((run) => ({
      run,
      isBaseline: run === baseline,
      saving: run === baseline ? null : savingOf(run.summary, baseline.summary),
    })),
    rows: figures
      .map((figure) => {
        const base = baseline.summary === null ? null : figure.of(baseline);
        return {
          figure,
          cells: runs.map((run) =>
            cellOf(figure.of(run), run.summary === null ? null : base, run === baseline, figure.better),
          ),
        };
      })
      .filter(({ cells }) => cells.some(({ value }) => value !== null)),
  };
}

/**
 * The runs of one source in their order, against a policy's run (the default baseline where none is chosen); null where
 * there are none.
 */
export function comparePolicies<R extends ComparableRun>(
  runs: readonly R[],
  chosen?: PolicyId,
  figures?: readonly Figure[],
): RunComparison<R> | null {
  const ordered = inRunOrder(ofOneSource(runs));
  const baseline = baselineRun(ordered, chosen);
  return baseline === undefined ? null : compareRuns(ordered, baseline.id, figures);
}

/** Of a run that does not have the figure. */
export const NOT_KNOWN: FigureCell = { value: null, difference: null, share: null, direction: null };

/** Runs of both sources in their order, each against the baseline's run of its own source. */
export function compareSources<R extends ComparableRun>(
  runs: readonly R[],
  chosen?: PolicyId,
  figures: readonly Figure[] = FIGURES,
): Pick<RunComparison<R>, "runs" | "rows"> {
  const compared = new Map<R, { readonly run: ComparedRun<R>; readonly cells: ReadonlyMap<Figure, FigureCell> }>();
  for (const source of SOURCES) {
    const of = inRunOrder(runs.filter((run) => run.source === source));
    const base = baselineRun(of, chosen);
    if (base === undefined) continue;
    const { runs: those, rows } = compareRuns(of, base.id, figures);
    for (const [i, run] of those.entries())
      compared.set(run.run, { run, cells: new Map(rows.map(({ figure, cells }) => [figure, cells[i]])) });
  }
  const ordered = inRunOrder(runs).flatMap((run) => compared.get(run) ?? []);
  return {
    runs: ordered.map(({ run }) => run),
    rows: figures
      .map((figure) => ({ figure, cells: ordered.map(({ cells }) => cells.get(figure) ?? NOT_KNOWN) }))
      .filter(({ cells }) => cells.some(({ value }) => value !== null)),
  };
}

/** The largest and the smallest share that any run of these saves against the baseline; null where nothing is compared. */
export function savingsOf(
  runs: readonly ComparableRun[],
  chosen?: PolicyId,
): { readonly best: number; readonly worst: number } | null {
  const shares = (comparePolicies(runs, chosen, [])?.runs ?? []).flatMap(({ saving }) => saving?.share ?? []);
  return shares.length === 0 ? null : { best: mostOf(shares), worst: leastOf(shares) };
}

/**
 * The least and the most that is saved: of an experiment by its best policy (both alike), of a sweep (a point a label) over its points;
 * undefined where nothing is compared.
 */
export function savingsRange(
  runs: readonly (ComparableRun & { readonly label: string })[],
  baseline: PolicyId | undefined,
): readonly [number, number] | undefined {
  const points = [...Map.groupBy(runs, (run) => run.label).values()];
  const best = points.flatMap((point) => savingsOf(point, baseline)?.best ?? []);
  return best.length === 0 ? undefined : [leastOf(best), mostOf(best)];
}

export interface DifferingParam {
  readonly name: string;
  /** One a run, in their order; null where the run does not have it. */
  readonly values: readonly (ParamValue | null)[];
}

/** Only the parameters (and the seed) in which the runs differ, in the order in which they first appear. */
export function differingParams(runs: readonly { readonly params: Params; readonly seed: number }[]): DifferingParam[] {
  const all = runs.map((run) => new Map<string, ParamValue>([...Object.entries(run.params), ["seed", run.seed]]));
  const names = new Set(all.flatMap((params) => [...params.keys()]));
  return [...names]
    .map((name) => ({ name, values: all.map((params) => params.get(name) ?? null) }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}
