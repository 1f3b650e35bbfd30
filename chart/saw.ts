/** A line that goes up and down more often than there are pixels, drawn as the band from its least to its most. */
import type { Chart, Plugin, Point } from "chart.js";

/** A turn counts where the line moves by more than this share of what it spans. */
const TURN_SHARE = 0.05;
/** Points of a line a turn: with two points a pixel, a turn every second pixel. */
const POINTS_A_TURN = 4;
/** Points of a line a step of its band. */
const POINTS_A_STEP = 8;
const STRIPE_PX = 3;

interface Place {
  readonly x: number;
  readonly y: number;
}

const known = (points: readonly Point[]): Place[] =>
  points.flatMap(({ x, y }) => (x === null || y === null || Number.isNaN(y) ? [] : [{ x, y }]));

/** Does it turn more often than can be seen with `budget` points across? */
export function isSaw(points: readonly Point[], budget: number): boolean {
  const line = known(points);
  const ys = line.map(({ y }) => y);
  if (ys.length < budget / POINTS_A_TURN) return false;
  const least = ys.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = ys.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const step = (most - least) * TURN_SHARE;
  let turns = 0;
  let direction = 0;
  let from = ys[0];
  for (const y of ys) {
    if (Math.abs(y - from) <= step) continue;
    const now = Math.sign(y - from);
    if (direction !== 0 && now !== direction) turns++;
    direction = now;
    from = y;
  }
  return turns > budget / POINTS_A_TURN;
}

export interface Band {
  readonly top: Place[];
  readonly bottom: Place[];
}

/** Least and most in steps that are as wide as can be told apart. */
export function bandOf(points: readonly Point[], budget: number): Band {
  const line = known(points);
  const [first, last] = [line[0]?.x ?? 0, line.at(-1)?.x ?? 0];
  const steps = Math.max(1, Math.floor(budget / POINTS_A_STEP));
  const top: Place[] = [];
  const bottom: Place[] = [];
  let before = -1;
  for (const { x, y } of line) {
    const step = last === first ? 0 : Math.min(steps - 1, Math.floor(((x - first) / (last - first)) * steps));
    if (step !== before) {
      top.push({ x, y });
      bottom.push({ x, y });
      before = step;
      continue;
    }
    const at = top.length - 1;
    if (y > top[at].y) top[at] = { x: top[at].x, y };
    if (y < bottom[at].y) bottom[at] = { x: bottom[at].x, y };
  }
  const end = top.at(-1);
  if (end && end.x < last) {
    top.push({ x: last, y: end.y });
    bottom.push({ x: last, y: bottom[bottom.length - 1].y });
  }
  return { top, bottom };
}

export interface DrawnBand extends Band {
  readonly color: string;
  readonly dash: readonly number[];
}

/** Bands as stripes, one after the other: two that are equal show both colours. The upper edge is the dataset's own line. */
export function sawBands(bands: readonly DrawnBand[]): Plugin<"line"> {
  return {
    id: "sawBands",
    beforeDatasetsDraw(chart: Chart<"line">) {
      const { ctx, chartArea, scales } = chart;
      const { x: along, y: up } = scales;
      ctx.save();
      ctx.beginPath();
      ctx.rect(chartArea.left, chartArea.top, chartArea.right - chartArea.left, chartArea.bottom - chartArea.top);
      ctx.clip();
      for (const [nth, { top, bottom, color, dash }] of bands.entries()) {
        const xs = top.map(({ x }) => along.getPixelForValue(x));
        ctx.fillStyle = color;
        ctx.globalAlpha = 0.4;
        let at = 0;
        for (let x = chartArea.left + nth * STRIPE_PX; x < chartArea.right; x += STRIPE_PX * bands.length) {
          while (at + 1 < xs.length && xs[at + 1] <= x) at++;
          if (x < (xs[0] ?? 0) || x > (xs.at(-1) ?? 0)) continue;
          const [high, low] = [up.getPixelForValue(top[at].y), up.getPixelForValue(bottom[at].y)];
          ctx.fillRect(x, high, STRIPE_PX, low - high);
        }
        ctx.globalAlpha = 1;
        ctx.strokeStyle = color;
        ctx.lineWidth = 1.5;
        ctx.setLineDash([...dash]);
        ctx.beginPath();
        for (const [i, { y }] of bottom.entries()) ctx.lineTo(xs[i], up.getPixelForValue(y));
        ctx.stroke();
      }
      ctx.restore();
    },
  };
}
