import { expect, test } from "vitest";
import { atlasChart, type TaskPoint } from "./atlas-chart.ts";
import { PALETTES } from "./palette.ts";

const TASKS: readonly TaskPoint[] = [
  { policy: "eager", costNs: 5e8, savedPercent: 40 },
  { policy: "eager", costNs: 2e3, savedPercent: 10 },
  { policy: "none", costNs: 0, savedPercent: 0 },
  { policy: "eager", costNs: 9e5, savedPercent: 30 },
  { policy: "of another version", costNs: 1, savedPercent: 1 },
];

test("a point a task by rising cost, and the median of each policy", () => {
  const { datasets } = atlasChart(TASKS, PALETTES.light, "sans-serif").data;
  expect(datasets.map(({ label }) => label)).toEqual(["eager sync", "no reclaim", "eager sync", "no reclaim"]);
  expect(datasets[0].data.map(({ x }) => x)).toEqual([2e3, 9e5, 5e8]);
  expect(datasets[2].data).toEqual([{ x: 9e5, y: 30 }]);
  // A cost of nothing has its place on an axis that has no zero.
  expect(datasets[3].data[0].x).toBeGreaterThan(0);
});
