import type { ChartConfiguration, Point } from "chart.js";
import { Chart } from "./register.ts";

export type LineConfig = ChartConfiguration<"line", Point[]>;
export type LineChart = Chart<"line", Point[]>;

/** Where a chart's plane lies in its canvas, in CSS pixels, and what its axes span. */
export interface Plane {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly min: number;
  readonly max: number;
}

/** Draws a configuration and goes on to the next one in place: one canvas and one chart for a view's whole life. */
export class LiveChart {
  readonly chart: LineChart;
  readonly #plugins: NonNullable<LineConfig["plugins"]>;

  constructor(canvas: HTMLCanvasElement, config: LineConfig) {
    this.#plugins = [...(config.plugins ?? [])];
    this.chart = new Chart<"line", Point[]>(canvas, { ...config, plugins: this.#plugins });
  }

  show(config: LineConfig): void {
    // Chart.js reads its plugins from the array it was made with, anew at each update.
    this.#plugins.splice(0, this.#plugins.length, ...(config.plugins ?? []));
    this.chart.data = config.data;
    if (config.options) this.chart.options = config.options;
    this.chart.update("none");
  }

  get plane(): Plane {
    const { left, right, top, bottom } = this.chart.chartArea;
    const x = this.chart.scales.x;
    return { left, right, top, bottom, min: x?.min ?? 0, max: x?.max ?? 1 };
  }

  yPixel(value: number): number {
    return this.chart.scales.y?.getPixelForValue(value) ?? Number.NaN;
  }

  destroy(): void {
    this.chart.destroy();
  }
}

/** The value of the x axis under a pixel, kept within what is seen. */
export function valueAt(plane: Plane, pixel: number): number {
  const share = (pixel - plane.left) / Math.max(1, plane.right - plane.left);
  return plane.min + Math.max(0, Math.min(1, share)) * (plane.max - plane.min);
}

export function pixelAt(plane: Plane, value: number): number {
  const share = plane.max === plane.min ? 0 : (value - plane.min) / (plane.max - plane.min);
  return plane.left + share * (plane.right - plane.left);
}

/** The same chart with a y axis of so many pixels: charts under each other then have their planes under each other. */
export function withAxisWidth(config: LineConfig, width: number): LineConfig {
  const scales = config.options?.scales;
  return {
    ...config,
    options: {
      ...config.options,
      layout: { padding: { right: 12, top: 8 } },
      scales: {
        ...scales,
        y: {
          ...scales?.y,
          afterFit: (axis: { width: number }) => {
            axis.width = width;
          },
        },
      },
    },
  } as LineConfig;
}
