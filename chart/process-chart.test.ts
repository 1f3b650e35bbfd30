import { expect, test } from "vitest";
import { PALETTES } from "./palette.ts";
import { processChart, processName, stepPoints } from "./process-chart.ts";

const process = (number: number, from: number, kb: number[]) => ({
  process: number,
  pid: number === 0 ? 0 : 100 + number,
  comm: "worker",
  lives: true,
  peak_vmpte_kb: Math.max(...kb),
  average_vmpte_kb: 1,
  final_vmpte_kb: kb.at(-1) ?? 0,
  empty_pte_tables: 0,
  peak_rss_kb: 0,
  line: { from, kb },
});

test("a process' line begins where it began, one step after the other", () => {
  expect(stepPoints(process(1, 2, [8, 12]), 10)).toEqual([
    { x: 20, y: 8 },
    { x: 30, y: 8 },
    { x: 30, y: 12 },
    { x: 40, y: 12 },
  ]);
});

test("eight lines are told apart by dash and by name: the sum, and the largest", () => {
  const chart = processChart({
    processes: Array.from({ length: 12 }, (_, i) => process(i, i, [4, 8])),
    step: 10,
    sum: [
      { x: 0, y: 0 },
      { x: 125, y: 96 },
    ],
    policy: "sync",
    axis: "time",
    clock: "program",
    palette: PALETTES.light,
    font: "Inter",
  });
  const { datasets } = chart.data;
  expect(datasets.map(({ label }) => label)).toEqual([
    "all together",
    "worker number 0",
    ...[1, 2, 3, 4, 5, 6].map((i) => `worker ${100 + i}`),
  ]);
  expect(new Set(datasets.map(({ borderDash }) => JSON.stringify(borderDash))).size).toBe(8);
  // None goes on after the run's end.
  expect(Math.max(...datasets.flatMap(({ data }) => data.map(({ x }) => x ?? 0)))).toBe(125);
  expect(processName({ comm: "", pid: 7, process: 1 })).toBe("7");
});
