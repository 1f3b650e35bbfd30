import { describe, expect, test } from "vitest";
import { comparePolicies, compareRuns, compareSources, differingParams, judge, savingsOf } from "./compare-runs.ts";
import { FIGURES, METRICS } from "./figures.ts";
import { formatDifference, formatNs, formatNsTick, formatNumberOf, formatPercent, formatValue } from "./format.ts";
import { POLICY_IDS, type PolicyId } from "./policies.ts";
import { plainSentence, resultSentence, savingLabel } from "./sentence.ts";
import type { RunSummary, Source } from "./types.ts";
import { policyPhrase, policyWord } from "./words.ts";

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

/** A run of a policy with this summary. */
const made = (id: number, mode: PolicyId, of: RunSummary | null, source: Source = "model") => ({
  id,
  mode,
  source,
  summary: of,
});

describe("compared figures", () => {
  test("are differences against the baseline, with their direction", () => {
    const [final] = compareRuns(
      [made(1, "sync", summary(240)), made(2, "none", summary(102_640)), made(3, "none", null)],
      2,
    ).rows;
    expect(final.figure.id).toBe("final_vmpte");
    expect(final.cells).toEqual([
      { value: 240, difference: -102_400, share: -102_400 / 102_640, direction: "better" },
      { value: 102_640, difference: null, share: null, direction: null },
      { value: null, difference: null, share: null, direction: null },
    ]);
  });

  test("leave out what no run knows, and judge nothing that has no good direction", () => {
    const rows = compareRuns([made(1, "sync", summary(1)), made(2, "none", summary(2))], 1).rows;
    expect(rows.map((row) => row.figure.id)).not.toContain("pte_tables");
    expect(rows.find((row) => row.figure.id === "final_rss")?.cells[1]).toMatchObject({
      difference: 0,
      direction: "same",
    });
    expect(judge(5, null)).toBeNull();
    expect(judge(5, "lower")).toBe("worse");
    expect(judge(5, "higher")).toBe("better");
    expect(() => compareRuns([made(1, "sync", null)], 2)).toThrow(RangeError);
  });

  test("have no share of a baseline of 0", () => {
    expect(compareRuns([made(1, "sync", summary(0)), made(2, "none", summary(4))], 1).rows[0].cells[1]).toEqual({
      value: 4,
      difference: 4,
      share: null,
      direction: "worse",
    });
  });

  test("have no difference while either is under way, at a place of its own", () => {
    const underWay = { ...made(2, "sync", null), last: () => 52, peak: () => 52 };
    const shown = (other: typeof underWay, baselineId: number) =>
      compareRuns([made(1, "none", summary(36)), other], baselineId).rows.flatMap(({ cells }) => cells);
    for (const baselineId of [1, 2]) {
      expect(shown(underWay, baselineId).map(({ difference }) => difference)).not.toContainEqual(expect.any(Number));
      expect(shown(underWay, baselineId).map(({ value }) => value)).toContain(52);
    }
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

describe("results in words", () => {
  const words = (...args: Parameters<typeof resultSentence>) => plainSentence(resultSentence(...args));
  test("say the end, or the peak where the ends are alike", () => {
    expect(words([made(1, "none", summary(102_640)), made(2, "sync", summary(240))])).toBe(
      "240 KiB of page tables with sync reclaim, 100.2 MiB without reclaim: 99.8 % less.",
    );
    expect(words([made(1, "sync", summary(40, 100)), made(2, "none", summary(40, 200))])).toBe(
      "100 KiB of page tables at the peak with sync reclaim, 200 KiB without reclaim: 50.0 % less. Both end at 40 KiB.",
    );
    expect(words([made(1, "none", summary(8, 12))])).toBe(
      "8 KiB of page tables at the end without reclaim, 12 KiB at the peak.",
    );
    expect(words([])).toBe("");
    expect(words([made(1, "sync", null)])).toBe("");
    // Stopped at operations of their own: no comparison is claimed.
    expect(
      words([
        made(1, "sync", { ...summary(108), operations: 16_903 }),
        made(2, "none", { ...summary(47_804), operations: 23_834 }),
      ]),
    ).toBe(
      "46.7 MiB of page tables after 23,834 operations without reclaim and 108 KiB after 16,903 operations with sync reclaim.",
    );
  });

  test("ends and peaks that are alike are not all: a program is compared over its time", () => {
    const over = (kb: number, average: number, clock: object = { program_ns: 2.5e9 }) => ({
      ...summary(72, kb),
      average_vmpte_kb: average,
      ...clock,
    });
    const runs = [made(1, "none", over(584, 418.3)), made(2, "sync", over(584, 99.9))];
    expect(words(runs)).toBe(
      "99.9 KiB of page tables averaged over its 2.5 s with sync reclaim, 418.3 KiB without reclaim: 76.1 % less. Both end at 72 KiB.",
    );
    expect(savingsOf(runs)?.best).toBeCloseTo(0.761, 3);
    // Peaks that differ a little do not get before it; operations are no clock.
    expect(savingsOf([made(1, "none", over(584, 418.3)), made(2, "sync", over(580, 99.9))])?.best).toBeCloseTo(
      0.761,
      3,
    );
    expect(savingsOf([made(1, "none", over(584, 418.3, {})), made(2, "sync", over(292, 99.9, {}))])?.best).toBe(0.5);
    expect(savingsOf([made(1, "none", over(584, 72)), made(2, "sync", over(584, 72))])?.best).toBe(0);
  });

  test("the baseline can be chosen; measured runs do not get between", () => {
    const runs = [made(1, "none", summary(100)), made(2, "sync", summary(50)), made(3, "none", summary(7), "kernel")];
    expect(words(runs, "sync")).toBe("100 KiB of page tables without reclaim, 50 KiB with sync reclaim: 100 % more.");
    expect(comparePolicies(runs)?.runs).toHaveLength(2);
    expect(compareSources(runs).runs.map(({ isBaseline }) => isBaseline)).toEqual([true, true, false]);
    expect(savingsOf(runs)).toEqual({ best: 0.5, worst: 0.5 });
    expect(savingsOf(runs, "sync")).toEqual({ best: -1, worst: -1 });
  });

  test("of many policies name each and no other", () => {
    const runs = POLICY_IDS.map((mode, i) => made(i, mode, summary(1000 - 100 * i)));
    const said = words(runs);
    for (const [i, mode] of POLICY_IDS.entries())
      if (POLICY_IDS.length > 2) expect(said).toContain(i === 0 ? policyPhrase(mode) : policyWord(mode));
    expect(new Set(POLICY_IDS.map(policyWord)).size).toBe(POLICY_IDS.length);
  });

  test("of several policies say what each saves and what the call pays that pays most, beyond the baseline's", () => {
    const paid = (kb: number, longest_call_ns: number, more: object = {}) => ({
      ...summary(kb),
      cost: { caller_ns: 1e6, longest_call_ns, background_ns: 0, rebuilt_tables: 0, tlb_flushes: 0 },
      ...more,
    });
    const runs = [
      made(1, "none", paid(1000, 0)),
      made(2, "sync", paid(970, 0)),
      made(3, "eager", paid(390, 400_000)),
      made(4, "async", paid(1100, 200_000)),
    ];
    expect(words(runs)).toBe(
      "Of 1,000 KiB of page tables at the end without reclaim, sync reclaim saves 3.0 %, eager sync 61.0 % at 400 µs more in the longest call and background scan needs 10.0 % more at 200 µs.",
    );
    // Against another baseline only the difference is more.
    expect(words(runs, "async")).toBe(
      "Of 1.07 MiB of page tables at the end with a background scan, no reclaim saves 9.1 %, sync reclaim 11.8 % and eager sync 64.5 % at 200 µs more in the longest call.",
    );
    // A program's clock says how long it had what.
    const clocked = (kb: number, average: number, ns: number) =>
      paid(kb, ns, { program_ns: 12e9, average_vmpte_kb: average });
    const traced = [
      made(1, "none", clocked(8, 1000, 0)),
      made(2, "sync", clocked(8, 970, 0)),
      made(3, "eager", clocked(4, 390, 0)),
    ];
    expect(words(traced)).toBe(
      "Of 1,000 KiB of page tables averaged over its 12 s without reclaim, sync reclaim saves 3.0 % and eager sync 61.0 %.",
    );
    expect(
      words([traced[0], made(2, "sync", clocked(8, 1000, 0)), traced[2], made(4, "async", clocked(8, 1000, 0))]),
    ).toBe(
      "Of 1,000 KiB of page tables averaged over its 12 s without reclaim, eager sync saves 61.0 %; sync reclaim and background scan save nothing.",
    );
    expect(words([traced[0], made(2, "sync", clocked(8, 1000, 0)), made(3, "eager", clocked(8, 1000, 0))])).toBe(
      "No difference: 1,000 KiB of page tables averaged over its 12 s under each of 3 policies.",
    );
  });

  test("numbers claim no more than is so", () => {
    expect(formatPercent(0.99999)).toBe("99.9 %");
    expect(formatPercent(1)).toBe("100 %");
    expect(formatPercent(0.00001)).toBe("0.1 %");
    expect(formatPercent(Number.NaN)).toBe("–");
    expect(savingLabel(0.998)).toBe("−99.8 %");
    expect(savingLabel(-0.012)).toBe("+1.2 %");
    expect(savingLabel(0)).toBe("0 %");
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
