import { describe, expect, test } from "vitest";
import {
  formatDifference,
  formatNs,
  formatNsTick,
  formatNumberOf,
  formatPercent,
  formatValue,
} from "../engine/experiment/format.ts";
import type { RunSummary } from "../engine/experiment/types.ts";
import { compareFigures, differingParams, FIGURES, judge } from "./compare.ts";
import { difference } from "./difference.ts";
import { METRICS } from "./metrics.ts";
import { plainSentence, resultSentence, savingLabel } from "./sentence.ts";

function summary(finalKb: number, peakKb = finalKb): RunSummary {
  return {
    operations: 51_201,
    wall_ms: 18,
    final: {
      vmpte_kb: finalKb,
      pte_tables: null,
      pmd_tables: null,
      pud_tables: null,
      empty_pte_tables: null,
      rss_kb: 3100,
      virt_kb: 52_428_800,
    },
    peak: { vmpte_kb: peakKb, rss_kb: 5000 },
    reclaimed_pte_tables: null,
    slow_path: null,
    declined: null,
  };
}

describe("compared figures", () => {
  test("are differences against the baseline, with their direction", () => {
    const [final] = compareFigures([{ summary: summary(240) }, { summary: summary(102_640) }, { summary: null }], 1);
    expect(final.figure.id).toBe("final_vmpte");
    expect(final.cells).toEqual([
      { value: 240, difference: -102_400, share: -102_400 / 102_640, direction: "better" },
      { value: 102_640, difference: null, share: null, direction: null },
      { value: null, difference: null, share: null, direction: null },
    ]);
  });

  test("leave out what no run knows, and judge nothing that has no good direction", () => {
    const rows = compareFigures([{ summary: summary(1) }, { summary: summary(2) }], 0);
    expect(rows.map((row) => row.figure.id)).not.toContain("pte_tables");
    expect(rows.find((row) => row.figure.id === "final_rss")?.cells[1]).toMatchObject({
      difference: 0,
      direction: "same",
    });
    expect(judge(5, null)).toBeNull();
    expect(judge(5, "lower")).toBe("worse");
    expect(judge(5, "higher")).toBe("better");
    expect(() => compareFigures([], 0)).toThrow(RangeError);
  });

  test("have no share of a baseline of 0", () => {
    expect(compareFigures([{ summary: summary(0) }, { summary: summary(4) }], 0)[0].cells[1]).toEqual({
      value: 4,
      difference: 4,
      share: null,
      direction: "worse",
    });
  });

  test("are told apart by their ids", () => {
    expect(new Set(FIGURES.map((figure) => figure.id)).size).toBe(FIGURES.length);
    expect(new Set(METRICS.map((metric) => metric.id)).size).toBe(METRICS.length);
  });
});

test("only the parameters that differ are shown", () => {
  const runs = [
    { params: { size: 1, chunk: 4096 }, seed: 1 },
    { params: { size: 1, chunk: 8192, order: "random" }, seed: 1 },
  ];
  expect(differingParams(runs)).toEqual([
    { name: "chunk", values: [4096, 8192] },
    { name: "order", values: [null, "random"] },
  ]);
  expect(differingParams([runs[0], { ...runs[0], seed: 2 }])).toEqual([{ name: "seed", values: [1, 2] }]);
});

test("the difference of two runs holds each at its last sample", () => {
  const run = (operations: number[], vmpte: number[]) => ({
    count: operations.length,
    columns: { operations: Float64Array.from(operations), vmpte_kb: Float64Array.from(vmpte) },
  });
  const { x, y } = difference(
    run([0, 10, 20], [4, 8, 12]),
    run([5, 15, 30], [100, 200, 300]),
    METRICS[0],
    "operations",
  );
  expect([...x]).toEqual([5, 10, 15, 20]);
  expect([...y]).toEqual([4 - 100, 8 - 100, 8 - 200, 12 - 200]);
  expect(difference(run([], []), run([1], [1]), METRICS[0], "operations").x).toHaveLength(0);
});

describe("results in words", () => {
  const words = (...args: Parameters<typeof resultSentence>) => plainSentence(resultSentence(...args));
  test("say the end, or the peak where the ends are alike", () => {
    expect(
      words([
        { mode: "none", summary: summary(102_640) },
        { mode: "sync", summary: summary(240) },
      ]),
    ).toBe("240 KiB of page tables with sync reclaim, 100.2 MiB without: 99.8 % less.");
    expect(
      words([
        { mode: "sync", summary: summary(40, 100) },
        { mode: "none", summary: summary(40, 200) },
      ]),
    ).toBe("100 KiB of page tables at the peak with sync reclaim, 200 KiB without: 50.0 % less. Both end at 40 KiB.");
    expect(words([{ mode: "none", summary: summary(8, 12) }])).toBe(
      "8 KiB of page tables at the end without reclaim, 12 KiB at the peak.",
    );
    expect(words([])).toBe("");
    // Stopped at operations of their own: no comparison is claimed.
    expect(
      words([
        { mode: "sync", summary: { ...summary(108), operations: 16_903 } },
        { mode: "none", summary: { ...summary(47_804), operations: 23_834 } },
      ]),
    ).toBe("108 KiB of page tables after 16,903 operations with sync reclaim, 46.7 MiB after 23,834 without.");
  });

  test("numbers claim no more than is so", () => {
    expect(formatPercent(0.99999)).toBe("99.9 %");
    expect(formatPercent(1)).toBe("100 %");
    expect(formatPercent(0.00001)).toBe("0.1 %");
    expect(formatPercent(Number.NaN)).toBe("–");
    expect(savingLabel(0.998)).toBe("−99.8 %");
    expect(savingLabel(-0.012)).toBe("+1.2 %");
    expect(savingLabel(0)).toBe("0.0 %");
    expect(formatDifference(-102_400, "kb")).toBe("−100 MiB");
    expect(formatDifference(0, "count")).toBe("0");
    expect(formatValue(null, "kb")).toBe("–");
    expect(formatValue(18, "ms")).toBe("18 ms");
    expect([0, 1, 25_600].map((n) => formatNumberOf(n, "run"))).toEqual(["0 runs", "1 run", "25,600 runs"]);
    expect(formatNs(11_700_000_000)).toBe("11.7 s");
    expect(formatNsTick(0, 12e9)).toBe("0 s");
    expect(formatNsTick(250_000_000, 1.2e9)).toBe("0.25 s");
  });
});
