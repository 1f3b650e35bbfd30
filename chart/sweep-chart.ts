/** The chart of a sweep: a figure of each policy against the swept parameter. */

import type { ChartConfiguration, Point } from "chart.js";
import { type Figure, figureById } from "../engine/experiment/figures.ts";
import { formatValue } from "../engine/experiment/format.ts";
import type { ParamValue } from "../engine/experiment/types.ts";
import { policyWord } from "../engine/experiment/words.ts";
import { BESIDE_ALPHA, BESIDE_PX, rowsOnOther } from "./alike.ts";
import { onScale, type Scale, yScale } from "./axes.ts";
import { endLabels, endLabelWidth } from "./end-labels.ts";
import type { Palette } from "./palette.ts";
import { ORIGIN_HEIGHT, originLine, PLAIN_OPTIONS, PLAIN_PLUGINS, titles } from "./plain.ts";
import { policyStyle } from "./policy-style.ts";
import { figureAt, type SweepPoint, sweepPolicies, sweepScale } from "./sweep-points.ts";

export interface SweepChartOptions {
  readonly points: readonly SweepPoint[];
  readonly parameter: string;
  /** How a value is written along the axis: "2 MiB". */
  readonly valueWords: (value: ParamValue) => string;
  readonly palette: Palette;
  /** CSS font family; it must be there where the chart is drawn. */
  readonly font: string;
  /** Default: VmPTE at the peak. */
  readonly figure?: Figure;
  readonly scale?: Scale;
  readonly title?: string;
  readonly subtitle?: string | readonly string[];
  readonly margin?: number;
  readonly yTitle?: boolean;
  readonly origin?: string;
}

const LINE_PX = 2;

/** What a sweep shows unless something else is asked for. */
export const SWEEP_FIGURE: Figure = figureById("peak_vmpte");

/**
 * One dataset a policy in the table's order, one point a value in rising order; `pointIndex` of Chart.js is the index into
 * `sweepOrder(points)`. Values that have no result yet are gaps.
 */
export function sweepChart(options: SweepChartOptions): ChartConfiguration<"line", Point[]> {
  const { points, parameter, valueWords, palette, font, scale = "linear", margin = 0, origin = "" } = options;
  const figure = options.figure ?? SWEEP_FIGURE;
  const ordered = sweepOrder(points);
  const along = sweepScale(points.map((point) => point.value));
  const places = ordered.map(({ value }, i) => (along === "steps" || typeof value !== "number" ? i : value));
  const modes = sweepPolicies(points);
  const labels = modes.map((mode) => {
    const last = ordered.map((point) => figureAt(point, mode, figure)).findLast((value) => value !== null);
    return {
      name: policyWord(mode),
      value: formatValue(last, figure.unit),
      color: policyStyle(mode).colors[palette.theme],
    };
  });
  const rows = modes.map((mode) => ordered.map((point) => figureAt(point, mode, figure) ?? Number.NaN));
  const hidden = rowsOnOther(rows.map((row) => (scale === "log" ? row.map((y) => Math.log(Math.max(y, 1))) : row)));
  return {
    type: "line",
    data: {
      datasets: modes.map((mode, at) => ({
        label: policyWord(mode),
        data: rows[at].map((y, i) => ({ x: places[i], y: onScale(y, scale) })),
        // The first is drawn last: what lies on it shows at both sides of it.
        borderColor: `${policyStyle(mode).colors[palette.theme]}${hidden[at] ? BESIDE_ALPHA : ""}`,
        backgroundColor: policyStyle(mode).colors[palette.theme],
        borderWidth: hidden[at] ? LINE_PX + BESIDE_PX : LINE_PX,
        borderDash: hidden[at] ? [] : [...policyStyle(mode).dash],
        pointStyle: policyStyle(mode).point,
        pointRadius: 4,
        pointHoverRadius: 6,
        tension: 0,
      })),
    },
    options: {
      ...PLAIN_OPTIONS,
      layout: {
        padding: {
          top: margin + 8,
          right: margin + endLabelWidth(labels),
          bottom: margin + (origin ? ORIGIN_HEIGHT : 0),
          left: margin,
        },
      },
      scales: {
        x: {
          type: along === "log" ? "logarithmic" : "linear",
          bounds: "data",
          ...(along === "steps" ? { min: 0, max: Math.max(1, ordered.length - 1) } : {}),
          offset: true,
          afterBuildTicks(axis: { ticks: { value: number }[] }) {
            axis.ticks = places.map((value) => ({ value }));
          },
          grid: { display: false },
          border: { color: palette.hairline },
          ticks: {
            color: palette.ink2,
            font: { family: font, size: 11 },
            maxRotation: 0,
            autoSkipPadding: 12,
            callback: (value: number | string) => {
              const at = places.indexOf(Number(value));
              return at === -1 ? null : valueWords(ordered[at].value);
            },
          },
          title: {
            display: true,
            align: "end",
            text: parameter,
            color: palette.ink2,
            font: { family: font, size: 11 },
          },
        },
        y: yScale(figure, scale, palette, font, options.yTitle),
      },
      plugins: {
        ...PLAIN_PLUGINS,
        ...titles(options, palette, font),
      },
    },
    plugins: [endLabels(labels, font), ...(origin ? [originLine(origin, margin, palette, font)] : [])],
  };
}

/** Points by rising value; choices as they are given. */
export function sweepOrder(points: readonly SweepPoint[]): SweepPoint[] {
  return points.toSorted((a, b) =>
    typeof a.value === "number" && typeof b.value === "number" ? a.value - b.value : 0,
  );
}
