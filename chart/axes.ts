/** Axes of charts: names with units, ticks with thousands separators, linear or logarithmic. */

import {
  formatCount,
  formatKbTick,
  formatNs,
  formatNsTick,
  formatValue,
  type Unit,
} from "../engine/experiment/format.ts";
import type { Source } from "../engine/experiment/types.ts";
import type { Axis } from "./axis.ts";
import type { Palette } from "./palette.ts";

export type Scale = "linear" | "log";

/** A logarithmic axis has no zero: zeros are drawn here, at a place that is labelled 0. Counts and kB are whole. */
export const LOG_ZERO = 0.5;
/** An axis up to here shows zero and 1 well apart. */
const LONG_DECADES_MAX = 100;

export function onScale(value: number, scale: Scale): number {
  return scale === "log" && value <= 0 ? LOG_ZERO : value;
}

/** Whose time a run's samples have: the cost model's, this machine's, or that of a program that was recorded. */
export type Clock = Source | "program";

/** "operations", "simulated time" or "time": measured runs have the clock's, modelled ones the cost model's. */
export function axisTitle(axis: Axis, clocks: readonly Clock[]): string {
  if (axis === "operations") return "operations";
  const kinds = new Set(clocks);
  if (kinds.has("program")) return "the program's time";
  if (kinds.size > 1) return "time (simulated; measured)";
  return kinds.has("kernel") ? "measured time" : "simulated time";
}

/** A moment on the axis: "33,000" operations, "11.7 s". */
export const formatAxis = (value: number, axis: Axis): string =>
  axis === "operations" ? formatCount(value) : formatNs(value);

/**
 * Powers of ten are labelled; 2 and 5 times them too where fewer than two decades are seen. Zero has its label where the
 * axis begins with it, and then 1 has none unless the decades are long: the two would stand on each other.
 */
export function isLogTickLabelled(value: number, min: number, max: number): boolean {
  if (value === LOG_ZERO) return true;
  if (value < 1 || (value === 1 && min <= LOG_ZERO && max >= LONG_DECADES_MAX)) return false;
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
  const leading = Number((value / power).toFixed(6));
  return leading === 1 || (max / min < 100 && (leading === 2 || leading === 5));
}

type Ticks = { font: { family: string; size: number }; color: string };

function ticks(palette: Palette, font: string): Ticks {
  return { font: { family: font, size: 11 }, color: palette.ink2 };
}

/** As Chart.js gives the ticks of an axis. */
type TickValues = readonly { readonly value: number }[];

const TICKS_MAX = 50;

/**
 * The multiples of the ticks' own step between the ends of an axis. Chart.js puts a tick at an end that is not round
 * where the axis ends with the data, and leaves out the round one beside it.
 */
export function roundTicks(ticks: TickValues, min: number, max: number): { value: number }[] {
  if (ticks.length < 3) return [...ticks];
  const step = ticks.length > 3 ? ticks[2].value - ticks[1].value : ticks[1].value - ticks[0].value;
  const first = Math.ceil(min / step - 1e-9);
  const count = Math.floor(max / step + 1e-9) - first + 1;
  if (!(count >= 1 && count <= TICKS_MAX)) return [...ticks];
  return Array.from({ length: count }, (_, i) => ({ value: (first + i) * step }));
}

/** Between an axis and its labels. */
export const TICK_PADDING_PX = 3;

/** Chart.js options of the axis along the bottom. */
export function xScale(
  axis: Axis,
  clocks: readonly Clock[],
  palette: Palette,
  font: string,
  tickPadding = TICK_PADDING_PX,
) {
  return {
    type: "linear",
    bounds: "data",
    afterBuildTicks(scale: { ticks: { value: number }[]; min: number; max: number }) {
      scale.ticks = roundTicks(scale.ticks, scale.min, scale.max);
    },
    // Chart.js leaves the padding beneath the labels, too.
    afterFit(scale: { height: number }) {
      scale.height -= tickPadding - TICK_PADDING_PX;
    },
    grid: { display: false },
    border: { color: palette.hairline },
    ticks: {
      ...ticks(palette, font),
      maxRotation: 0,
      autoSkipPadding: 24,
      padding: tickPadding,
      callback(this: { max: number }, value: number | string) {
        return axis === "operations" ? formatCount(Number(value)) : formatNsTick(Number(value), this.max);
      },
    },
    title: {
      display: true,
      align: "end",
      text: axisTitle(axis, clocks),
      color: palette.ink2,
      font: { family: font, size: 11 },
    },
  } as const;
}

/** Steps of a linear axis of sizes are round in the unit that they are written in: at most so many are labelled. */
const SIZE_STEPS_MAX = 6;
const ROUND = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** The least round step in KiB, MiB, GiB, ... of which at most `steps` make `span`; in kB. The span is a finite number. */
function sizeStep(span: number, steps = SIZE_STEPS_MAX): number {
  for (let unit = 1; ; unit *= 1024) for (const round of ROUND) if (round * unit * steps >= span) return round * unit;
}

/** Powers of two between the ends of a logarithmic axis of sizes, as many doublings apart as leave at most eight. */
function sizePowers(min: number, max: number): number[] {
  const first = Math.ceil(Math.log2(Math.max(min, 1)) - 1e-9);
  const last = Math.floor(Math.log2(Math.max(max, 1)) + 1e-9);
  const step = [1, 2, 5, 10].find((doublings) => (last - first) / doublings < 8) ?? 10;
  const powers: number[] = [];
  for (let power = Math.ceil(first / step) * step; power <= last; power += step) powers.push(2 ** power);
  return powers;
}

/** What Chart.js gives to its hooks of an axis. */
type Ticked = { ticks: { value: number }[]; min: number; max: number };

/** Of a value that is no number an axis has no end; its ticks are then left as Chart.js made them. */
const hasEnds = ({ min, max }: Ticked): boolean => Number.isFinite(min) && Number.isFinite(max);

/** `steps`: how many the axis has room for. */
export function linearSizeTicks(scale: Ticked, steps?: number): void {
  if (!hasEnds(scale)) return;
  const step = sizeStep(scale.max - scale.min, steps);
  const [first, last] = [Math.floor(scale.min / step), Math.ceil(scale.max / step - 1e-9)];
  scale.min = first * step;
  scale.max = Math.max(last, first + 1) * step;
  scale.ticks = Array.from({ length: Math.max(last, first + 1) - first + 1 }, (_, i) => ({
    value: (first + i) * step,
  }));
}

/** Round values between the ends as they are: of a logarithmic axis of less than three doublings. */
function linearTicksWithin(scale: Ticked): void {
  const step = sizeStep(scale.max - scale.min);
  const first = Math.ceil(scale.min / step);
  const count = Math.floor(scale.max / step) - first + 1;
  scale.ticks = Array.from({ length: count }, (_, i) => ({ value: (first + i) * step }));
}

function logSizeTicks(scale: Ticked): void {
  if (!hasEnds(scale)) return;
  const zero = scale.min <= LOG_ZERO ? [{ value: LOG_ZERO }] : [];
  // The lowest labels would stand on that of zero.
  const powers = sizePowers(scale.min, scale.max).filter((value) => zero.length === 0 || value > 1);
  if (powers.length < 3 && zero.length === 0) linearTicksWithin(scale);
  else scale.ticks = [...zero, ...powers.map((value) => ({ value }))];
}

/** What a tick of `ticks` says. Sizes are in the unit of the step where all are as far apart, so that an axis has one unit; else each in its own. */
export function formatTick(value: number, unit: Unit, ticks: TickValues): string {
  if (value === 0) return "0";
  if (unit !== "kb" || ticks.length < 2) return formatValue(value, unit);
  const [first, second] = ticks;
  const step = second.value - first.value;
  const isEven = Number.isInteger(step) && ticks.every((tick, i) => tick.value === first.value + i * step);
  return isEven ? formatKbTick(value, step) : formatValue(value, unit);
}

/** Chart.js options of the axis at the left. */
export function yScale(
  metric: { readonly unit: Unit; readonly label: string },
  scale: Scale,
  palette: Palette,
  font: string,
  titled = false,
) {
  const shared = {
    title: { display: titled, text: metric.label, color: palette.ink2, font: { family: font, size: 11 } },
    grid: { color: palette.hairline, drawTicks: false },
    border: { display: false },
  } as const;
  const sizes = metric.unit === "kb";
  if (scale === "log")
    return {
      ...shared,
      type: "logarithmic",
      ...(sizes ? { afterBuildTicks: logSizeTicks } : {}),
      ticks: {
        ...ticks(palette, font),
        padding: 8,
        callback(this: { min: number; max: number }, value: number | string, _index: number, all: TickValues) {
          const number = Number(value);
          if (!sizes && !isLogTickLabelled(number, this.min, this.max)) return null;
          return formatTick(number === LOG_ZERO ? 0 : number, metric.unit, all);
        },
      },
    } as const;
  return {
    ...shared,
    type: "linear",
    beginAtZero: true,
    ...(sizes ? { afterBuildTicks: linearSizeTicks } : {}),
    ticks: {
      ...ticks(palette, font),
      padding: 8,
      maxTicksLimit: 7,
      callback: (value: number | string, _index: number, all: TickValues) =>
        Number.isInteger(Number(value)) ? formatTick(Number(value), metric.unit, all) : null,
    },
  } as const;
}
