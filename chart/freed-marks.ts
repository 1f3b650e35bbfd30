/** Where tables were freed: moments and numbers, and their marks along the bottom of a chart. */
import type { Chart, Plugin } from "chart.js";
import { AXIS_COLUMN, type Axis } from "./axis.ts";
import type { Samples } from "./points.ts";

export interface FreedMark {
  /** Operations or nanoseconds. */
  readonly x: number;
  /** Tables freed between the sample before this moment and the one at it (or several such, taken together). */
  readonly freed: number;
}

/** At most `most` marks; neighbours are taken together where there are more. */
export function freedMarks(samples: Samples, axis: Axis, most = 200): FreedMark[] {
  const xs = samples.columns[AXIS_COLUMN[axis]];
  const done = samples.columns.tables_freed;
  if (!xs || !done || samples.count < 2) return [];
  // A table is gone for the program when it is detached; RCU gives its memory back a grace period later.
  const waiting = samples.columns.tables_rcu_pending;
  const total = waiting ? done.map((freed, i) => freed + waiting[i]) : done;
  const span = xs[samples.count - 1] - xs[0];
  const marks: FreedMark[] = [];
  let bucket = -1;
  for (let i = 1; i < samples.count; i++) {
    const freed = total[i] - total[i - 1];
    if (!(freed > 0)) continue;
    const at = span === 0 ? 0 : Math.floor(((xs[i] - xs[0]) / span) * (most - 1));
    const last = marks.at(-1);
    if (last && at === bucket) marks[marks.length - 1] = { x: xs[i], freed: last.freed + freed };
    else marks.push({ x: xs[i], freed });
    bucket = at;
  }
  return marks;
}

export const MARK_ROW_HEIGHT = 5;

/** Draws one row of marks a series below the x axis, first series first; the more tables, the stronger the mark. */
export function freedMarksPlugin(
  rows: readonly { readonly marks: readonly FreedMark[]; readonly color: string }[],
): Plugin<"line"> {
  return {
    id: "freedMarks",
    afterDatasetsDraw(chart: Chart<"line">) {
      const { ctx, chartArea } = chart;
      const scale = chart.scales.x;
      const most = Math.max(1, ...rows.flatMap(({ marks }) => marks.map((mark) => mark.freed)));
      ctx.save();
      for (const [row, { marks, color }] of rows.entries()) {
        ctx.fillStyle = color;
        const top = chartArea.bottom + 3 + row * MARK_ROW_HEIGHT;
        for (const { x, freed } of marks) {
          if (x < scale.min || x > scale.max) continue;
          ctx.globalAlpha = 0.35 + (0.65 * freed) / most;
          ctx.fillRect(scale.getPixelForValue(x) - 0.5, top, 1, MARK_ROW_HEIGHT - 1);
        }
      }
      ctx.restore();
    },
  };
}
