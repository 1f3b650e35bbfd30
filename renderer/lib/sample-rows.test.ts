import { expect, test } from "vitest";
import type { RunSeries } from "../../chart/series.ts";
import { sampleRows } from "./sample-rows.ts";

const of = (values: readonly number[]) => Float64Array.from(values);
const model: RunSeries = {
  key: "1",
  mode: "none",
  source: "model",
  samples: { count: 3, columns: { operations: of([0, 5, 9]), time_ns: of([0, 100, 200]), vmpte_kb: of([1, 2, 3]) } },
};
const unknown = Number.NaN;
const recorded: RunSeries = {
  key: "2",
  mode: "sync",
  source: "kernel",
  samples: {
    count: 5,
    columns: {
      operations: of([unknown, unknown, unknown, unknown, unknown]),
      time_ns: of([50, 90, 120, 210, 300]),
      vmpte_kb: of([1, 1, 2, 3, 3]),
    },
  },
};

test("rows are those of the run that counts operations; what was read by the clock is looked up by the time", () => {
  const rows = sampleRows([recorded, model]);
  expect(rows.count).toBe(3);
  expect([...rows.operations]).toEqual([0, 5, 9]);
  expect([0, 1, 2].map((row) => rows.rowOf(model.samples, row))).toEqual([0, 1, 2]);
  expect([0, 1, 2].map((row) => rows.rowOf(recorded.samples, row))).toEqual([-1, 1, 2]);
});

test("where nothing counts operations, the clock alone gives the rows", () => {
  const rows = sampleRows([recorded]);
  expect(rows.count).toBe(5);
  expect(rows.rowOf(recorded.samples, 3)).toBe(3);
});

test("without a run there are no rows", () => {
  expect(sampleRows([]).count).toBe(0);
});
