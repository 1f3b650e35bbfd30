/** Moments at which a program gave a large part of its memory back, as marks on the time line. */
import type { Chart, Plugin } from "chart.js";
import { formatKb } from "../engine/experiment/format.ts";
import { AXIS_COLUMN, type Axis } from "./axis.ts";
import type { Palette } from "./palette.ts";
import type { Samples } from "./points.ts";

export interface BigRelease {
  /** Operations or nanoseconds. */
  readonly x: number;
  /** RSS that went, kB; "exec": all of it, for the program was replaced. */
  readonly kb: number | "exec";
}

/** A release is big where this share of what RSS spans goes at once. */
const BIG_SHARE = 0.2;
/** More of them than that are how the program works, and no events. */
const MARKS_MAX = 8;

/** Where RSS falls by a fifth or more of what it spans, in one fall; none where that happens all the time. */
export function bigReleases(samples: Samples, axis: Axis): BigRelease[] {
  const xs = samples.columns[AXIS_COLUMN[axis]];
  const rss = samples.columns.rss_kb?.subarray(0, samples.count);
  if (!xs || !rss || rss.length < 2) return [];
  const vmpte = samples.columns.vmpte_kb;
  // A process that lives has page tables: it is without any only between the program that goes and the one that comes.
  const execs = Array.from(rss.keys())
    .filter((i) => i > 0 && i < rss.length - 1 && vmpte?.[i] === 0 && (vmpte[i - 1] ?? 0) > 0)
    .map((i): BigRelease => ({ x: xs[i], kb: "exec" }));
  const most = rss.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const least = rss.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const big = (most - least) * BIG_SHARE;
  const some = execs.length <= MARKS_MAX ? execs : [];
  if (!(big > 0)) return some;
  const found: BigRelease[] = [];
  let top = 0;
  for (let i = 1; i <= rss.length; i++) {
    // A fall ends where it rises again, or with the run.
    if (i < rss.length && rss[i] <= rss[i - 1]) continue;
    const kb = rss[top] - rss[i - 1];
    if (kb >= big && !execs.some(({ x }) => x === xs[i - 1])) found.push({ x: xs[i - 1], kb });
    if (found.length > MARKS_MAX) return some;
    top = i;
  }
  return [...some, ...found].sort((a, b) => a.x - b.x);
}

export function bigReleaseMarks(releases: readonly BigRelease[], palette: Palette, font: string): Plugin<"line"> {
  return {
    id: "bigReleases",
    beforeDatasetsDraw(chart: Chart<"line">) {
      const { ctx, chartArea, scales } = chart;
      ctx.save();
      ctx.strokeStyle = palette.ink2;
      ctx.fillStyle = palette.ink2;
      ctx.font = `400 10px ${font}`;
      ctx.textBaseline = "top";
      ctx.setLineDash([1, 3]);
      let free = chartArea.left;
      for (const { x, kb } of releases) {
        if (x < scales.x.min || x > scales.x.max) continue;
        const at = scales.x.getPixelForValue(x);
        ctx.beginPath();
        ctx.moveTo(at, chartArea.top);
        ctx.lineTo(at, chartArea.bottom);
        ctx.stroke();
        const words = kb === "exec" ? kb : `−${formatKb(kb)} RSS`;
        const width = ctx.measureText(words).width;
        // At its left, or at its right where that is taken.
        const left = at - width - 4 >= free ? at - width - 4 : at + 4;
        if (left < free) continue;
        ctx.fillText(words, left, chartArea.top);
        free = left + width + 8;
      }
      ctx.restore();
    },
  };
}
