import { expect, test } from "vitest";
import type { SampleBlock } from "../../main/contract.ts";
import { Series } from "./series.ts";

const block = (operations: number[], vmpte: number[]): SampleBlock => ({
  count: operations.length,
  columns: { operations: Float64Array.from(operations), vmpte_kb: Float64Array.from(vmpte) },
});

test("blocks follow each other; what came before is skipped", () => {
  const series = new Series();
  expect(series.append(0, block([0, 1], [40, 44]))).toBe(true);
  expect(series.append(1, block([1, 2, 3], [44, 48, 52]))).toBe(true);
  expect(series.append(0, block([0, 1], [40, 44]))).toBe(true);
  expect([...series.column("operations")]).toEqual([0, 1, 2, 3]);
  expect([...series.column("vmpte_kb")]).toEqual([40, 44, 48, 52]);
});

test("a gap is refused, and nothing changes", () => {
  const series = new Series();
  series.append(0, block([0, 1], [40, 44]));
  expect(series.append(5, block([5], [60]))).toBe(false);
  expect(series.count).toBe(2);
});

test("columns added later have the length of what is here; shorter ones are refused", () => {
  const series = new Series();
  series.append(0, block([0, 1], [40, 44]));
  expect(series.addColumns({ count: 1, columns: { rss_kb: Float64Array.of(7) } })).toBe(false);
  expect(series.addColumns({ count: 3, columns: { rss_kb: Float64Array.of(7, 8, 9) } })).toBe(true);
  expect([...series.column("rss_kb")]).toEqual([7, 8]);
  series.append(2, block([2], [48]));
  expect([...series.column("rss_kb")]).toEqual([7, 8, Number.NaN]);
});

test("many small blocks keep every value", () => {
  const series = new Series();
  for (let at = 0; at < 2000; at += 1) expect(series.append(at, block([at], [at * 4]))).toBe(true);
  expect(series.count).toBe(2000);
  expect(series.column("vmpte_kb").every((value, at) => value === at * 4)).toBe(true);
});
