import { expect, test } from "vitest";
import { METRICS } from "../engine/experiment/figures.ts";
import { liesOnOther } from "./alike.ts";
import { PALETTES } from "./palette.ts";
import { runChart } from "./run-chart.ts";
import { bandOf, isSaw } from "./saw.ts";
import type { RunSeries } from "./series.ts";

const line = (count: number, y: (i: number) => number) => Array.from({ length: count }, (_, x) => ({ x, y: y(x) }));

test("a saw is what turns more often than the pixels; its band goes from least to most", () => {
  const saw = line(2000, (i) => (i % 2 === 0 ? 10 : 500 + i));
  expect(isSaw(saw, 2000)).toBe(true);
  expect(
    isSaw(
      line(2000, (i) => i),
      2000,
    ),
  ).toBe(false);
  // A shiver on a long way is none.
  expect(
    isSaw(
      line(2000, (i) => i + (i % 2)),
      2000,
    ),
  ).toBe(false);
  // Twenty teeth can be seen as they are.
  expect(
    isSaw(
      line(2000, (i) => i % 100),
      2000,
    ),
  ).toBe(false);
  const { top, bottom } = bandOf(saw, 2000);
  expect(top.length).toBeLessThanOrEqual(251);
  expect(bottom.every(({ y }) => y === 10)).toBe(true);
  expect(top[0]?.y).toBeLessThan(top.at(-1)?.y ?? 0);
  expect(Math.max(...top.map(({ y }) => y))).toBe(2499);
});

const samples = (y: (i: number) => number) => ({
  count: 1000,
  columns: {
    operations: Float64Array.from({ length: 1000 }, (_, i) => i),
    vmpte_kb: Float64Array.from({ length: 1000 }, (_, i) => y(i)),
  },
});

test("a line that lies on another is found, on either scale", () => {
  const lines = [samples((i) => 100 + i), samples((i) => 100 + i + (i % 4)), samples((i) => 200 + i)];
  expect(liesOnOther(lines, METRICS[0], "operations", "linear")).toEqual([false, true, false]);
  expect(liesOnOther(lines, METRICS[0], "operations", "log")[2]).toBe(false);
  expect(liesOnOther([lines[0], lines[2]], METRICS[0], "operations", "linear", { min: 0, max: 0 })).toEqual([
    false,
    false,
  ]);
});

test("a measured run on its model is drawn wide beneath it, and a line begins where it is above zero on a logarithmic axis", () => {
  const run = (source: RunSeries["source"]): RunSeries => ({
    key: source,
    mode: "none",
    source,
    samples: samples((i) => i),
  });
  const options = {
    series: [run("model"), run("kernel")],
    palette: PALETTES.light,
    font: "Sans",
    scale: "log",
  } as const;
  const [model, kernel] = runChart(options).data.datasets;
  expect(Number(kernel?.borderWidth)).toBeGreaterThan(2 * Number(model?.borderWidth));
  expect(model?.data.slice(0, 2)).toEqual([
    { x: 0, y: Number.NaN },
    { x: 1, y: 1 },
  ]);
  expect(runChart({ ...options, scale: "linear" }).data.datasets[0]?.data[0]).toEqual({ x: 0, y: 0 });
});
