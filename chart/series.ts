/** The runs of a chart: in which order, called what, drawn how. */
import { MODES, type Mode, type Source } from "../engine/experiment/types.ts";
import { mix, type Palette } from "./palette.ts";
import type { Samples } from "./points.ts";

/** One line of a chart. */
export interface RunSeries {
  /** Tells it from the others, the run's id for one. */
  readonly key: string;
  readonly mode: Mode;
  readonly source: Source;
  /** What tells it from others of its mode and source: an experiment's title, a sweep's value. Empty: nothing must. */
  readonly label?: string;
  readonly samples: Samples;
}

/** Always these words, in this order. */
export const MODE_WORDS: Readonly<Record<Mode, string>> = { sync: "sync", none: "without" };
export const MODE_PHRASES: Readonly<Record<Mode, string>> = { sync: "with sync reclaim", none: "without" };
export const SOURCE_WORDS: Readonly<Record<Source, string>> = { model: "model", kernel: "measured" };
const SOURCES: readonly Source[] = ["model", "kernel"];

/** Sync before without, model before measured, otherwise as given. */
export function inOrder<T extends { readonly mode: Mode; readonly source: Source }>(series: readonly T[]): T[] {
  const rank = (item: T) => MODES.indexOf(item.mode) * SOURCES.length + SOURCES.indexOf(item.source);
  return series.toSorted((a, b) => rank(a) - rank(b));
}

/** "sync", "without, measured", "decay 0: sync": as short as tells it from its companions. */
export function seriesLabel(
  item: Pick<RunSeries, "mode" | "source" | "label">,
  companions: readonly Pick<RunSeries, "source">[],
): string {
  const mixed = companions.some((other) => other.source !== item.source);
  const words =
    mixed || item.source === "kernel"
      ? `${MODE_WORDS[item.mode]}, ${SOURCE_WORDS[item.source]}`
      : MODE_WORDS[item.mode];
  return item.label ? `${item.label}: ${words}` : words;
}

export interface LineStyle {
  readonly color: string;
  /** Chart.js borderDash; model runs are solid, measured ones dashed, further ones of a kind dotted and mixed. */
  readonly dash: readonly number[];
  readonly width: number;
}

const MODEL_DASHES = [[], [2, 3], [12, 4], [12, 4, 2, 4]] as const;
const MEASURED_DASHES = [
  [6, 4],
  [6, 3, 1, 3],
  [4, 2, 4, 6],
  [1, 4],
] as const;

/** A style for each series, in their order; no two that are drawn together are alike in both colour and dash. */
export function lineStyles(series: readonly Pick<RunSeries, "mode" | "source">[], palette: Palette): LineStyle[] {
  const seen = new Map<string, number>();
  return series.map(({ mode, source }) => {
    const kind = `${mode} ${source}`;
    const nth = seen.get(kind) ?? 0;
    seen.set(kind, nth + 1);
    const dashes = source === "model" ? MODEL_DASHES : MEASURED_DASHES;
    return {
      color: mix(palette.modes[mode], palette.ink, Math.min(0.6, 0.3 * Math.floor(nth / dashes.length))),
      dash: dashes[nth % dashes.length],
      width: source === "model" ? 2 : 1.75,
    };
  });
}
