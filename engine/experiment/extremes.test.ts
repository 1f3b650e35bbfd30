import { expect, test } from "vitest";
import { type ComparableRun, savingsOf, savingsRange } from "./compare-runs.ts";
import { leastOf, mostOf, spanOf } from "./extremes.ts";
import type { RunSummary } from "./types.ts";

test("of none, one and some values", () => {
  expect([leastOf([]), mostOf([])]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  expect([leastOf([3, -1, 2]), mostOf([3, -1, 2]), spanOf([3, -1, 2])]).toEqual([-1, 3, 4]);
});

test("an experiment may have more runs than a call takes arguments", () => {
  const run = (id: number): ComparableRun & { label: string } => {
    const kb = id === 0 ? 400 : 100 + (id % 7);
    const peak = { vmpte_kb: kb, rss_kb: 1 };
    const summary = { operations: 1, final: peak, peak } as unknown as RunSummary;
    return { id, mode: id === 0 ? "none" : "sync", source: "model", label: "", summary } as ComparableRun & {
      label: string;
    };
  };
  const runs = Array.from({ length: 200_000 }, (_, id) => run(id));
  expect(savingsOf(runs)).toEqual({ best: 0.75, worst: 294 / 400 });
  expect(savingsRange(runs, undefined)).toEqual([0.75, 0.75]);
});
