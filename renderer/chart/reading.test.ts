import { expect, test } from "vitest";
import { PALETTES } from "../../chart/palette.ts";
import type { RunSeries } from "../../chart/series.ts";
import { METRICS } from "../../engine/experiment/figures.ts";
import { readAll, wholeRange } from "./reading.ts";

const run = (mode: "sync" | "none", operations: number[], vmpte: number[]): RunSeries => ({
  key: mode,
  mode,
  source: "model",
  samples: {
    count: operations.length,
    columns: {
      operations: Float64Array.from(operations),
      time_ns: Float64Array.from(operations, (value) => value * 1000),
      vmpte_kb: Float64Array.from(vmpte),
    },
  },
});

const series = [run("sync", [0, 10, 20], [40, 44, 48]), run("none", [0, 10, 30], [40, 80, 120])];

test("every line is read at its last sample up to the crosshair", () => {
  const reading = readAll(series, METRICS[0], "operations", 25, PALETTES.light);
  expect(reading.where).toBe("operation 25 · 20 µs");
  expect(reading.lines.map((line) => [line.label, line.shown])).toEqual([
    ["sync reclaim", "48 KiB"],
    ["no reclaim", "80 KiB"],
  ]);
  expect(reading.text).toBe("operation 25 · 20 µs: sync reclaim 48 KiB, no reclaim 80 KiB");
});

test("before the first sample nothing is claimed", () => {
  const late = [run("sync", [10], [40])];
  expect(readAll(late, METRICS[0], "operations", 5, PALETTES.light).lines[0].shown).toBe("–");
});

test("the axis spans all runs", () => {
  expect(wholeRange(series, "operations")).toEqual({ min: 0, max: 30 });
  expect(wholeRange([], "operations")).toEqual({ min: 0, max: 1 });
});
