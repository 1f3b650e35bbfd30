/** The runs of a chart: called what, drawn how. */

import { inRunOrder, type RunKind } from "../engine/experiment/compare-runs.ts";
import type { RunEvent } from "../engine/experiment/types.ts";
import { runWord } from "../engine/experiment/words.ts";
import type { Clock } from "./axes.ts";
import { AXIS_COLUMN, type Axis } from "./axis.ts";
import type { BigRelease } from "./big-releases.ts";
import { mix, type Palette } from "./palette.ts";
import type { Samples } from "./points.ts";
import { POLICY_STYLES, policyColor, policyStyle } from "./policy-style.ts";

export { inRunOrder as inOrder };

/** One line of a chart. */
export interface RunSeries extends RunKind {
  /** Tells it from the others, the run's id for one. */
  readonly key: string;
  /** What tells it from others of its policy and source: an experiment's title, a sweep's value. Empty: nothing must. */
  readonly label?: string;
  readonly samples: Samples;
  /** What happened meanwhile. */
  readonly events?: readonly RunEvent[];
  /** On the axis that is drawn; absent where `samples` are all there are, and are looked at for them. */
  readonly releases?: readonly BigRelease[];
  /** Its times are those of a program that was recorded. */
  readonly programClock?: boolean;
}

/** Does a run stand on this axis? What was only read by the clock counts no operations. */
export function isOnAxis({ samples }: Pick<RunSeries, "samples">, axis: Axis): boolean {
  return samples.count === 0 || !Number.isNaN(samples.columns[AXIS_COLUMN[axis]]?.[0] ?? 0);
}

/** Whose time it is, for the name of the axis. */
export const clockOf = ({ source, programClock }: Pick<RunSeries, "source" | "programClock">): Clock =>
  programClock ? "program" : source;

/** "sync reclaim", "no reclaim, measured", "decay 0: sync reclaim": as short as tells it from its companions. */
export function seriesLabel(
  item: Pick<RunSeries, "mode" | "source" | "label">,
  companions: readonly Pick<RunSeries, "source">[],
): string {
  const words = runWord(
    item,
    companions.some((other) => other.source !== item.source),
  );
  return item.label ? `${item.label}: ${words}` : words;
}

export interface LineStyle {
  readonly color: string;
  /** Chart.js borderDash. */
  readonly dash: readonly number[];
  readonly width: number;
  readonly point: ReturnType<typeof policyStyle>["point"];
}

/**
 * A style for each series, in their order. Up to eight that are drawn together differ in their dashes: the first model of
 * a policy has the policy's own, measured runs and further ones those that are left. Lines that are more mix their colour too.
 */
export function lineStyles(series: readonly RunKind[], palette: Palette): LineStyle[] {
  const own = new Map<number, readonly number[]>();
  const taken = new Set<readonly number[]>();
  for (const source of ["model", "kernel"] as const)
    for (const [at, item] of series.entries()) {
      const { dash } = policyStyle(item.mode);
      if (item.source !== source || taken.has(dash)) continue;
      own.set(at, dash);
      taken.add(dash);
    }
  const free = POLICY_STYLES.map(({ dash }) => dash).filter((dash) => !taken.has(dash));
  let further = 0;
  return series.map(({ mode, source }, at) => {
    const { point } = policyStyle(mode);
    const color = policyColor(mode, palette.theme);
    const width = source === "model" ? 2 : 1.75;
    const dash = own.get(at);
    if (dash !== undefined) return { color, dash, width, point };
    const nth = further++;
    if (nth < free.length) return { color, dash: free[nth], width, point };
    const beyond = nth - free.length;
    return {
      color: mix(color, palette.ink, Math.min(0.6, 0.3 * (1 + Math.floor(beyond / POLICY_STYLES.length)))),
      dash: POLICY_STYLES[beyond % POLICY_STYLES.length].dash,
      width,
      point,
    };
  });
}
