/** A sweep's result: per value of the swept parameter, what each policy came to. */
import { comparePolicies } from "../engine/experiment/compare-runs.ts";
import { fromTo, leastOf, mostOf } from "../engine/experiment/extremes.ts";
import type { Figure } from "../engine/experiment/figures.ts";
import { formatBytes, formatPercent, formatValue } from "../engine/experiment/format.ts";
import { formatValueOf, type ParamSpec } from "../engine/experiment/params.ts";
import { baselineOf, inPolicyOrder, type PolicyId } from "../engine/experiment/policies.ts";
import { listed, ofPolicy, type SentencePart, strong, text } from "../engine/experiment/sentence.ts";
import type { Params, ParamValue, RunSummary, Source } from "../engine/experiment/types.ts";
import { policyPhrase } from "../engine/experiment/words.ts";

export interface SweepRun {
  readonly id: number;
  readonly mode: PolicyId;
  readonly source: Source;
  readonly params: Params;
  readonly summary: RunSummary | null;
}

export interface SweepPoint<R extends SweepRun = SweepRun> {
  readonly value: ParamValue;
  /** The run of each policy that was made last, in the table's order. */
  readonly runs: readonly R[];
}

/** One point a value, in the order of `values`. */
export function sweepPoints<R extends SweepRun>(
  runs: readonly R[],
  parameter: string,
  values: readonly ParamValue[],
): SweepPoint<R>[] {
  return values.map((value) => {
    const of = runs.filter((run) => run.params[parameter] === value);
    const last = inPolicyOrder(of.map((run) => run.mode)).flatMap(
      (mode) => of.findLast((run) => run.mode === mode) ?? [],
    );
    return { value, runs: last };
  });
}

/** The policies that any point has a run of, in the table's order. */
export function sweepPolicies(points: readonly SweepPoint[]): PolicyId[] {
  return inPolicyOrder(points.flatMap((point) => point.runs.map((run) => run.mode)));
}

/** What the sweep's policies are compared with: the chosen one where there is a run of it, else the default. */
export function sweepBaseline(points: readonly SweepPoint[], chosen?: PolicyId): PolicyId | undefined {
  const policies = sweepPolicies(points);
  return chosen !== undefined && policies.includes(chosen) ? chosen : baselineOf(policies);
}

export function runAt<R extends SweepRun>(point: SweepPoint<R>, mode: PolicyId): R | undefined {
  return point.runs.find((run) => run.mode === mode);
}

/** A figure of a point's run under a policy; null where it is not known (yet). */
export function figureAt(point: SweepPoint, mode: PolicyId, figure: Figure): number | null {
  const run = runAt(point, mode);
  return run ? figure.of(run) : null;
}

/** By how much of the baseline's figure each other policy of a point differs: 0.5 = half of it less. */
export function savedAt(point: SweepPoint, figure: Figure, baseline: PolicyId | undefined): Map<PolicyId, number> {
  const comparison = comparePolicies(point.runs, baseline, [figure]);
  const saved = new Map<PolicyId, number>();
  if (comparison === null || comparison.baseline.mode !== baseline) return saved;
  for (const [i, cell] of (comparison.rows[0]?.cells ?? []).entries())
    if (cell.difference !== null) saved.set(comparison.runs[i].run.mode, -(cell.share ?? 0));
  return saved;
}

/** How the values lie along an axis: by their own size, by their magnitude, or one after the other. */
export type SweepScale = "linear" | "log" | "steps";

/** Values of one sign that span more than a decade and a bit are seen by their magnitude. */
const LOG_FROM_RATIO = 16;

export function sweepScale(values: readonly ParamValue[]): SweepScale {
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length < values.length || numbers.length < 2) return "steps";
  const positive = numbers.filter((value) => value > 0);
  const wide = positive.length > 1 && mostOf(positive) / leastOf(positive) >= LOG_FROM_RATIO;
  if (!wide) return "linear";
  return positive.length === numbers.length ? "log" : "steps";
}

/** The sweep in words: each policy's range, and where most is saved. Empty as long as no point has two policies. */
export function sweepSentence(
  points: readonly SweepPoint[],
  figure: Figure,
  valueWords: (value: ParamValue) => string,
  chosen?: PolicyId,
): SentencePart[] {
  const baseline = sweepBaseline(points, chosen);
  const saved = points.flatMap((point) =>
    [...savedAt(point, figure, baseline)].map(([policy, share]) => ({ value: point.value, policy, share })),
  );
  if (saved.length === 0) return [];
  const compared = points.filter((point) => savedAt(point, figure, baseline).size > 0);
  const policies = sweepPolicies(compared).flatMap((mode) => {
    const known = compared.flatMap((point) => figureAt(point, mode, figure) ?? []);
    return known.length === 0 ? [] : [{ mode, range: fromTo(known, (value) => formatValue(value, figure.unit)) }];
  });
  const best = saved.reduce((a, b) => (b.share > a.share ? b : a));
  const parts: SentencePart[] = [
    text(`${figure.label}: `),
    ...listed(policies.map(({ mode, range }) => [ofPolicy(mode, range), text(` ${policyPhrase(mode)}`)])),
    text(". "),
  ];
  if (best.share <= 0) return [...parts, strong("Nothing is saved at any value.")];
  return [
    ...parts,
    text(`Most is saved at ${valueWords(best.value)}: `),
    strong(`${formatPercent(best.share)} less`),
    ...(policies.length > 2 ? [text(` ${policyPhrase(best.policy)}`)] : []),
    text("."),
  ];
}

/** A value along the axis of a sweep: sizes in the units of all others ("2 MiB"), not as they are typed ("2M"). */
export function axisWords(spec: ParamSpec | undefined, value: ParamValue): string {
  return spec?.type === "bytes" && typeof value === "number" ? formatBytes(value) : formatValueOf(spec, value);
}
