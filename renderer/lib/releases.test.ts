import { expect, test } from "vitest";
import type { RunSummary } from "../../engine/experiment/types.ts";
import { fates } from "./releases.ts";

const summary = {
  reclaimed_pte_tables: 75,
  slow_path: 5,
  declined: { below_pmd: 20, split_vma: 0, entry_kept: 5, refilled: 0, advice: 0 },
} as unknown as RunSummary;

test("fast and slow add up to what was reclaimed, shares to one", () => {
  const lines = fates(summary);
  expect(lines.map((line) => [line.id, line.count])).toEqual([
    ["fast", 70],
    ["slow", 5],
    ["below_pmd", 20],
    ["split_vma", 0],
    ["entry_kept", 5],
    ["refilled", 0],
    ["advice", 0],
  ]);
  expect(lines.reduce((sum, line) => sum + line.share, 0)).toBeCloseTo(1);
  expect(lines.filter((line) => line.reclaimed)).toHaveLength(2);
});

test("nothing released: no share is invented; measured runs say nothing", () => {
  const none = {
    ...summary,
    reclaimed_pte_tables: 0,
    slow_path: 0,
    declined: { ...summary.declined, below_pmd: 0, entry_kept: 0 },
  };
  expect(fates(none as RunSummary).every((line) => line.share === 0)).toBe(true);
  expect(fates({ ...summary, reclaimed_pte_tables: null, declined: null })).toEqual([]);
  expect(fates(undefined)).toEqual([]);
});
