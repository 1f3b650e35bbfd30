/** Names and last values at the ends of the lines: what tells them apart without colour. */
import type { Chart, Plugin } from "chart.js";

export interface EndLabel {
  readonly name: string;
  readonly value: string;
  readonly color: string;
}

const LINE_HEIGHT = 15;
const GAP = 8;

/**
 * Where labels of `height` go when each wants the middle of one of `wanted` (any order): as near as they can be,
 * none over another, all between `top` and `bottom` as long as they fit.
 */
export function spread(wanted: readonly number[], height: number, top: number, bottom: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const placed: number[] = new Array(wanted.length);
  let free = top + height / 2;
  for (const i of order) {
    placed[i] = Math.max(wanted[i], free);
    free = placed[i] + height;
  }
  let limit = bottom - height / 2;
  for (const i of order.toReversed()) {
    placed[i] = Math.min(placed[i], limit);
    limit = placed[i] - height;
  }
  return placed;
}

/** Room at the right that the labels need, in pixels. */
export function endLabelWidth(labels: readonly EndLabel[]): number {
  // Capitals are wider.
  const widthOf = (text: string): number => text.length * 6.6 + (text.match(/[A-Z_]/g)?.length ?? 0) * 2;
  const longest = Math.max(0, ...labels.flatMap(({ name, value }) => [widthOf(name), widthOf(value)]));
  return Math.ceil(longest) + GAP * 2;
}

/** Draws `labels[i]` at the end of dataset i; where there is no room for all of them in two lines, the names alone. */
export function endLabels(labels: readonly EndLabel[], font: string): Plugin<"line"> {
  return {
    id: "endLabels",
    afterDatasetsDraw(chart: Chart<"line">) {
      const ends = labels.flatMap((label, i) => {
        const points = chart.getDatasetMeta(i).data;
        const last = points.findLast((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
        return last && chart.isDatasetVisible(i) ? [{ label, y: last.y }] : [];
      });
      const { ctx, chartArea } = chart;
      const whole = LINE_HEIGHT * 2 + 4;
      const short = ends.length * whole > chartArea.bottom - chartArea.top;
      const places = spread(
        ends.map((end) => end.y),
        short ? LINE_HEIGHT : whole,
        chartArea.top,
        chartArea.bottom,
      );
      ctx.save();
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      for (const [i, { label }] of ends.entries()) {
        ctx.fillStyle = label.color;
        ctx.font = `400 12px ${font}`;
        ctx.fillText(label.name, chartArea.right + GAP, places[i] - (short ? 0 : LINE_HEIGHT / 2));
        if (short) continue;
        ctx.font = `600 12px ${font}`;
        ctx.fillText(label.value, chartArea.right + GAP, places[i] + LINE_HEIGHT / 2);
      }
      ctx.restore();
    },
  };
}
