/** A sweep's result: per value of the swept parameter, what each mode came to. */
import { formatPercent, formatValue } from "../engine/experiment/format.ts";
import { MODES, type Mode, type Params, type ParamValue, type RunSummary } from "../engine/experiment/types.ts";
import type { Figure } from "./compare.ts";
import { type SentencePart, saving } from "./sentence.ts";

export interface SweepRun {
  readonly id: number;
  readonly mode: Mode;
  readonly params: Params;
  readonly summary: RunSummary | null;
}

export interface SweepPoint {
  readonly value: ParamValue;
  /** The run of each mode that was made last; absent where there is none. */
  readonly runs: Partial<Readonly<Record<Mode, SweepRun>>>;
}

/** One point a value, in the order of `values`. */
export function sweepPoints(runs: readonly SweepRun[], parameter: string, values: readonly ParamValue[]): SweepPoint[] {
  return values.map((value) => {
    const found: Partial<Record<Mode, SweepRun>> = {};
    for (const run of runs) if (run.params[parameter] === value) found[run.mode] = run;
    return { value, runs: found };
  });
}

/** A figure of a point's run of a mode; null where it is not known (yet). */
export function figureAt(point: SweepPoint, mode: Mode, figure: Figure): number | null {
  const summary = point.runs[mode]?.summary;
  return summary ? figure.of(summary) : null;
}

/** How the values lie along an axis: by their own size, by their magnitude, or one after the other. */
export type SweepScale = "linear" | "log" | "steps";

/** Values of one sign that span more than a decade and a bit are seen by their magnitude. */
const LOG_FROM_RATIO = 16;

export function sweepScale(values: readonly ParamValue[]): SweepScale {
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length < values.length || numbers.length < 2) return "steps";
  const positive = numbers.filter((value) => value > 0);
  const wide = positive.length > 1 && Math.max(...positive) / Math.min(...positive) >= LOG_FROM_RATIO;
  if (!wide) return "linear";
  return positive.length === numbers.length ? "log" : "steps";
}

/** The sweep in words: the ranges of both modes, and where most is saved. Empty as long as no point has both. */
export function sweepSentence(
  points: readonly SweepPoint[],
  figure: Figure,
  valueWords: (value: ParamValue) => string,
): SentencePart[] {
  const both = points.flatMap((point) => {
    const [sync, none] = MODES.map((mode) => figureAt(point, mode, figure));
    return sync === null || none === null ? [] : [{ value: point.value, sync, none, share: saving(sync, none) }];
  });
  if (both.length === 0) return [];
  const range = (mode: Mode): string => {
    const all = both.map((point) => point[mode]);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    return low === high
      ? formatValue(low, figure.unit)
      : `${formatValue(low, figure.unit)} to ${formatValue(high, figure.unit)}`;
  };
  const best = both.reduce((a, b) => (b.share > a.share ? b : a));
  const parts: SentencePart[] = [
    { kind: "text", text: `${figure.label}: ` },
    { kind: "sync", text: range("sync") },
    { kind: "text", text: " with sync reclaim, " },
    { kind: "none", text: range("none") },
    { kind: "text", text: " without. " },
  ];
  if (best.share <= 0) return [...parts, { kind: "strong", text: "It saves nothing at any value." }];
  return [
    ...parts,
    { kind: "text", text: `Most is saved at ${valueWords(best.value)}: ` },
    { kind: "strong", text: `${formatPercent(best.share)} less` },
    { kind: "text", text: "." },
  ];
}
