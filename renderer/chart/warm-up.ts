/**
 * The first chart of a window takes several times as long as every later one: its code is compiled as it is first used,
 * its typeface is looked up, the canvas is set up. Done here while the window waits for its history, the first point of a
 * run does not wait for it.
 */
import { PALETTES } from "../../chart/palette.ts";
import { runChart } from "../../chart/run-chart.ts";
import type { RunSeries } from "../../chart/series.ts";
import { METRICS } from "../../engine/experiment/figures.ts";
import { DEFAULT_POLICIES } from "../../engine/experiment/policies.ts";
import { fontFamily } from "./font.ts";
import { LiveChart } from "./live-chart.ts";
import { Chart } from "./register.ts";

const POINTS = 4;
const ramp = Float64Array.from({ length: POINTS }, (_, i) => i);

/** Draws a chart that nobody sees, once the window's frame is on the screen; none where a chart was drawn before. */
export function warmUpChart(): void {
  requestAnimationFrame(() => setTimeout(() => Object.keys(Chart.instances).length === 0 && draw()));
}

function draw(): void {
  const canvas = document.createElement("canvas");
  canvas.width = 600;
  canvas.height = 300;
  const columns = { operations: ramp, vmpte_kb: ramp, tables_freed: ramp, tables_rcu_pending: ramp };
  const series: RunSeries[] = DEFAULT_POLICIES.map((mode) => ({
    key: mode,
    mode,
    source: "model",
    samples: { count: POINTS, columns },
  }));
  const config = runChart({ series, palette: PALETTES.light, font: fontFamily(), metric: METRICS[0], marks: true });
  const unseen = { ...config, options: { ...config.options, responsive: false } };
  const chart = new LiveChart(canvas, unseen);
  chart.show(unseen);
  chart.destroy();
}
