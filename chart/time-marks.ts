/** Events of a program as marks on the time line: forks, execs, and moments at which much memory was given back. */
import type { Chart, Plugin } from "chart.js";
import { formatKb, formatNumberOf } from "../engine/experiment/format.ts";
import type { RunEvent } from "../engine/experiment/types.ts";
import { AXIS_COLUMN, type Axis } from "./axis.ts";
import { type BigRelease, bigReleases } from "./big-releases.ts";
import type { Palette } from "./palette.ts";
import { indexAt, type Samples } from "./points.ts";

export interface TimeMark {
  /** Operations or nanoseconds. */
  readonly x: number;
  readonly what: RunEvent["what"] | "release";
  /** RSS that was given back, kB; 0 for others. */
  readonly kb: number;
}

/** Where an event stands: without a clock of the program, at the time of the sample that has its operations. */
function placeOf({ operations, time_ns }: RunEvent, samples: Samples, axis: Axis): number | undefined {
  if (axis === "operations") return operations;
  if (time_ns !== null) return time_ns;
  const done = samples.columns.operations?.subarray(0, samples.count);
  return done && samples.columns.time_ns?.[indexAt(done, operations)];
}

/** All marks of a run, in their order on the axis. What a program begins with is no event. */
export function timeMarks(
  samples: Samples,
  events: readonly RunEvent[],
  axis: Axis,
  releases: readonly BigRelease[] = bigReleases(samples, axis),
): TimeMark[] {
  const first = samples.columns[AXIS_COLUMN[axis]]?.[0] ?? 0;
  return [
    ...events.flatMap((event): TimeMark[] => {
      const x = placeOf(event, samples, axis);
      return x === undefined || event.operations <= 1 || x <= first ? [] : [{ x, what: event.what, kb: 0 }];
    }),
    ...releases.map(({ x, kb }): TimeMark => ({ x, what: "release", kb })),
  ].sort((a, b) => a.x - b.x);
}

/** Pixels above a chart that the words need: on it they would stand on its lines. */
export const MARK_WORDS_HEIGHT = 12;
/** Marks nearer than this are one, in pixels. */
const NEAR_PX = 16;
/** Lines nearer than this on average would be a grid: then what was given back alone is marked. */
const LINE_EVERY_PX = 40;

/** Marks that are drawn as one in a chart of this width, the first of them where the line stands. */
export function together(marks: readonly (TimeMark & { readonly at: number })[], width: number): TimeMark[][] {
  const groups: (TimeMark & { readonly at: number })[][] = [];
  for (const mark of marks) {
    const group = groups.at(-1);
    if (group && mark.at - group[0].at < NEAR_PX) group.push(mark);
    else groups.push([mark]);
  }
  if (groups.length * LINE_EVERY_PX <= width) return groups;
  return marks.filter(({ what }) => what === "release").map((mark) => [mark]);
}

/** "fork", "3 forks, exec", "−12 MiB RSS" */
export function markWords(group: readonly TimeMark[]): string {
  const count = (what: TimeMark["what"]): string[] => {
    const there = group.filter((mark) => mark.what === what).length;
    return there === 0 ? [] : [there === 1 ? what : formatNumberOf(there, what)];
  };
  const kb = group.reduce((sum, mark) => sum + mark.kb, 0);
  return [...count("fork"), ...count("exec"), ...(kb > 0 ? [`−${formatKb(kb)} RSS`] : [])].join(", ");
}

export function timeMarksPlugin(marks: readonly TimeMark[], palette: Palette, font: string): Plugin<"line"> {
  return {
    id: "timeMarks",
    beforeDatasetsDraw(chart: Chart<"line">) {
      const { ctx, chartArea, scales } = chart;
      const seen = marks
        .filter(({ x }) => x >= scales.x.min && x <= scales.x.max)
        .map((mark) => ({ ...mark, at: scales.x.getPixelForValue(mark.x) }));
      ctx.save();
      ctx.strokeStyle = palette.ink2;
      ctx.fillStyle = palette.ink2;
      ctx.font = `400 10px ${font}`;
      ctx.textBaseline = "bottom";
      ctx.setLineDash([1, 3]);
      let free = chartArea.left;
      for (const group of together(seen, chartArea.right - chartArea.left)) {
        const at = scales.x.getPixelForValue(group[0].x);
        ctx.beginPath();
        ctx.moveTo(at, chartArea.top);
        ctx.lineTo(at, chartArea.bottom);
        ctx.stroke();
        const words = markWords(group);
        const width = ctx.measureText(words).width;
        // At its left, or at its right where that is taken.
        const left = at - width - 4 >= free ? at - width - 4 : at + 4;
        if (left < free || left + width > chartArea.right) continue;
        ctx.fillText(words, left, chartArea.top - 2);
        free = left + width + 8;
      }
      ctx.restore();
    },
  };
}
