import { describe, expect, test } from "vitest";
import { METRICS, metricById } from "../engine/experiment/figures.ts";
import { formatTick, isLogTickLabelled, LOG_ZERO, onScale, roundTicks } from "./axes.ts";
import { freedMarks } from "./freed-marks.ts";
import { PALETTES } from "./palette.ts";
import { policyColor } from "./policy-style.ts";
import { lastValue, linePoints, runChart } from "./run-chart.ts";
import type { RunSeries } from "./series.ts";

const COUNT = 10_000;
const column = (value: (i: number) => number) => Float64Array.from({ length: COUNT }, (_, i) => value(i));

function series(mode: RunSeries["mode"], top: number): RunSeries {
  return {
    key: mode,
    mode,
    source: "model",
    samples: {
      count: COUNT,
      columns: {
        operations: column((i) => i * 5),
        time_ns: column((i) => i * 1000),
        vmpte_kb: column((i) => (i === 4321 ? top * 2 : Math.floor((i / COUNT) * top))),
        empty_pte_tables: column(() => 0),
        tables_freed: column((i) => Math.floor(i / 2500) * 7),
      },
    },
  };
}

const options = {
  series: [series("none", 100_000), series("sync", 240)],
  palette: PALETTES.light,
  font: "Sans",
};

describe("the chart of runs", () => {
  test("has one line a run, in the policies' order, with its peaks and no more points than asked for", () => {
    const { datasets } = runChart({ ...options, points: 500 }).data;
    expect(datasets.map((set) => [set.label, set.borderColor])).toEqual([
      ["no reclaim", policyColor("none", "light")],
      ["sync reclaim", policyColor("sync", "light")],
    ]);
    for (const [i, top] of [200_000, 480].entries()) {
      expect(datasets[i].data.length).toBeLessThanOrEqual(500);
      expect(Math.max(...datasets[i].data.map((point) => point.y ?? 0))).toBe(top);
    }
  });

  test("draws a range with one sample outside it on each side", () => {
    const xs = linePoints(options.series[0].samples, METRICS[0], "operations", "linear", 1e6, {
      min: 101,
      max: 114,
    }).map((point) => point.x);
    expect(xs).toEqual([100, 105, 110, 115]);
    const { scales } = runChart({ ...options, range: { min: 101, max: 114 } }).options ?? {};
    expect(scales?.x).toMatchObject({ min: 101, max: 114 });
  });

  test("says the last value of what is seen", () => {
    expect(lastValue(options.series[0].samples, METRICS[0])).toBe(99_990);
    expect(lastValue(options.series[0].samples, METRICS[0], "operations", 5_003)).toBe(10_000);
  });

  test("draws zeros of a logarithmic axis at a place of their own", () => {
    const metric = metricById("empty") ?? METRICS[0];
    const config = runChart({ ...options, metric, scale: "log" });
    expect(config.data.datasets[0].data.every((point) => point.y === LOG_ZERO)).toBe(true);
    expect(onScale(0, "linear")).toBe(0);
    expect(onScale(7, "log")).toBe(7);
    expect(lastValue(options.series[0].samples, metric)).toBe(0);
  });

  test("is empty, not broken, without samples", () => {
    const empty: RunSeries = { key: "1", mode: "sync", source: "model", samples: { count: 0, columns: {} } };
    expect(runChart({ ...options, series: [empty] }).data.datasets[0].data).toEqual([]);
    expect(runChart({ ...options, series: [] }).data.datasets).toEqual([]);
  });
});

describe("ticks", () => {
  const at = (...values: number[]) => values.map((value) => ({ value }));
  test("are round where the axis is not", () => {
    expect(roundTicks(at(0, 10, 20, 30, 51.2), 0, 51.2)).toEqual(at(0, 10, 20, 30, 40, 50));
    expect(roundTicks(at(3, 10, 20, 27), 3, 27)).toEqual(at(10, 20));
    expect(roundTicks(at(0, 5), 0, 5)).toEqual(at(0, 5));
  });

  test("of sizes have one unit where they are as far apart, and each its own where they double", () => {
    const labels = (...kb: number[]) => kb.map((value) => formatTick(value, "kb", at(...kb)));
    expect(labels(0, 200, 400, 600, 800, 1000, 1200)).toEqual([
      "0",
      "200 KiB",
      "400 KiB",
      "600 KiB",
      "800 KiB",
      "1,000 KiB",
      "1,200 KiB",
    ]);
    expect(labels(512 * 1024, 1024 * 1024, 1536 * 1024)).toEqual(["512 MiB", "1,024 MiB", "1,536 MiB"]);
    expect(labels(2, 64, 2048, 65_536)).toEqual(["2 KiB", "64 KiB", "2 MiB", "64 MiB"]);
    expect(labels(LOG_ZERO, 1024)).toEqual(["512 B", "1 MiB"]);
    expect(labels(1200)).toEqual(["1.17 MiB"]);
  });

  test("of a logarithmic axis are powers of ten, more where little is seen", () => {
    const labelled = (min: number, max: number) =>
      [1, 2, 3, 5, 9, 10, 15, 20, 50, 70, 100, 200, 1000].filter((value) => isLogTickLabelled(value, min, max));
    expect(labelled(1, 1000)).toEqual([1, 10, 100, 1000]);
    expect(labelled(20, 300)).toEqual([1, 2, 5, 10, 20, 50, 100, 200, 1000]);
    // Zero and 1 would stand on each other where the decades are short.
    expect(labelled(LOG_ZERO, 9)).toEqual([1, 2, 5, 10, 20, 50, 100, 200, 1000]);
    expect(labelled(LOG_ZERO, 100_000)).toEqual([10, 100, 1000]);
    expect(isLogTickLabelled(LOG_ZERO, LOG_ZERO, 100_000)).toBe(true);
  });
});

test("marks say where tables were freed, and lose none when taken together", () => {
  const { samples } = options.series[0];
  expect(freedMarks(samples, "operations")).toEqual([
    { x: 12_500, freed: 7 },
    { x: 25_000, freed: 7 },
    { x: 37_500, freed: 7 },
  ]);
  const busy = { count: COUNT, columns: { ...samples.columns, tables_freed: column((i) => i * 3) } };
  const marks = freedMarks(busy, "time", 50);
  expect(marks.length).toBeLessThanOrEqual(50);
  expect(marks.reduce((sum, mark) => sum + mark.freed, 0)).toBe((COUNT - 1) * 3);
  expect(freedMarks({ count: COUNT, columns: {} }, "operations")).toEqual([]);
});
