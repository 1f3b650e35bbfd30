import { expect, test } from "vitest";
import type { RunSummary } from "../../engine/experiment/types.ts";
import { plainSentence, resultSentence, saving, savingLabel } from "./result.ts";

function summary(finalKb: number, peakKb: number): RunSummary {
  return {
    operations: 10,
    wall_ms: 1,
    final: {
      vmpte_kb: finalKb,
      pte_tables: 1,
      pmd_tables: 1,
      pud_tables: 1,
      empty_pte_tables: 0,
      rss_kb: 4,
      virt_kb: 4,
    },
    peak: { vmpte_kb: peakKb, rss_kb: 4 },
    reclaimed_pte_tables: 0,
    slow_path: 0,
    declined: null,
  };
}

test("both modes: what each ends with, and by how much", () => {
  const parts = resultSentence([
    { mode: "none", summary: summary(102640, 102640) },
    { mode: "sync", summary: summary(240, 244) },
  ]);
  expect(plainSentence(parts)).toBe(
    "240 kB of page tables with sync reclaim, 102,640 kB without: 99.8 % less.",
  );
  expect(parts.map((part) => part.kind)).toEqual(["sync", "text", "none", "text", "strong", "text"]);
});

test("modes that end alike are told apart by their peak", () => {
  const parts = resultSentence([
    { mode: "sync", summary: summary(40, 60) },
    { mode: "none", summary: summary(40, 120) },
  ]);
  expect(plainSentence(parts)).toBe(
    "60 kB of page tables at the peak with sync reclaim, 120 kB without: 50.0 % less. Both end at 40 kB.",
  );
});

test("no difference is said, and more is not called less", () => {
  const alike = [
    { mode: "sync" as const, summary: summary(40, 60) },
    { mode: "none" as const, summary: summary(40, 60) },
  ];
  expect(plainSentence(resultSentence(alike))).toContain("no difference");
  const more = [
    { mode: "sync" as const, summary: summary(60, 60) },
    { mode: "none" as const, summary: summary(40, 60) },
  ];
  expect(plainSentence(resultSentence(more))).toContain("50.0 % more");
});

test("one mode alone: its end and its peak; no run: nothing", () => {
  expect(plainSentence(resultSentence([{ mode: "none", summary: summary(40, 60) }]))).toBe(
    "40 kB of page tables at the end without reclaim, 60 kB at the peak.",
  );
  expect(resultSentence([])).toEqual([]);
});

test("the saving's label says the direction", () => {
  expect(savingLabel(saving(240, 102640))).toBe("−99.8 %");
  expect(savingLabel(saving(40, 40))).toBe("0.0 %");
  expect(savingLabel(saving(60, 40))).toBe("+50.0 %");
  expect(saving(0, 0)).toBe(0);
});
