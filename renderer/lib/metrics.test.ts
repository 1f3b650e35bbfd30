import { expect, test } from "vitest";
import { SAMPLE_COLUMNS, type SampleColumn } from "../../engine/experiment/types.ts";
import { lastAtOrBelow } from "./lookup.ts";
import { findMetric, formatMetric, formatTick, METRICS, metricValues, OTHER_METRICS, PROMINENT_METRICS } from "./metrics.ts";

test("every column but the axes can be drawn, once", () => {
  const drawn = METRICS.flatMap((metric) => (metric.columns.length === 1 ? metric.columns : []));
  const expected = SAMPLE_COLUMNS.map((column) => column.name).filter((name) => !["seq", "operations", "time_ns"].includes(name));
  expect(drawn).toEqual(expected);
  expect(PROMINENT_METRICS.length + OTHER_METRICS.length).toBe(METRICS.length);
  expect(PROMINENT_METRICS.map((metric) => metric.id)).toContain("vmpte_kb");
});

test("an id of another version is VmPTE", () => {
  expect(findMetric("no_such").id).toBe("vmpte_kb");
});

test("columns are added up, sample by sample", () => {
  const columns: Partial<Record<SampleColumn, Float64Array>> = {
    tlb_flushes_paged: Float64Array.of(1, 2),
    tlb_flushes_full: Float64Array.of(10, Number.NaN),
  };
  const values = metricValues(findMetric("tlb_flushes"), (name) => columns[name] ?? new Float64Array(0));
  expect([...values]).toEqual([11, Number.NaN]);
});

test("values carry their unit; ticks are short", () => {
  expect(formatMetric(findMetric("vmpte_kb"), 102640)).toBe("102,640 kB");
  expect(formatTick(findMetric("vmpte_kb"), 100000)).toBe("100,000 kB");
  expect(formatTick(findMetric("vmpte_kb"), 115_343_360)).toBe("110 GiB");
  expect(formatTick(findMetric("ipis"), 51200)).toBe("51.2 k");
});

test("the last value at or below a limit", () => {
  const values = Float64Array.of(0, 10, 20);
  expect(lastAtOrBelow(values, 9)).toBe(0);
  expect(lastAtOrBelow(values, 10)).toBe(1);
  expect(lastAtOrBelow(values, 99)).toBe(2);
  expect(lastAtOrBelow(values, -1)).toBe(-1);
  expect(lastAtOrBelow(new Float64Array(0), 1)).toBe(-1);
});
