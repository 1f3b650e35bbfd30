import { describe, expect, test } from "vitest";
import { plainSentence } from "../engine/experiment/sentence.ts";
import type { Mode, ParamValue, RunSummary } from "../engine/experiment/types.ts";
import { PALETTES } from "./palette.ts";
import { policyColor } from "./policy-style.ts";
import { SWEEP_FIGURE, sweepChart, sweepOrder } from "./sweep-chart.ts";
import { figureAt, runAt, type SweepRun, sweepPoints, sweepScale, sweepSentence } from "./sweep-points.ts";

function run(id: number, mode: Mode, chunk: ParamValue, peakKb: number | null): SweepRun {
  const summary =
    peakKb === null ? null : ({ final: { vmpte_kb: 40 }, peak: { vmpte_kb: peakKb, rss_kb: 0 } } as RunSummary);
  return { id, mode, source: "model", params: { chunk, size: 1 }, summary };
}

const RUNS = [
  run(1, "none", 4096, 2092),
  run(2, "sync", 4096, 2092),
  run(3, "sync", 2 ** 21, null),
  run(4, "none", 2 ** 21, 2092),
  run(5, "sync", 2 ** 21, 48),
];
const POINTS = sweepPoints(RUNS, "chunk", [2 ** 21, 4096, 2 ** 22]);
const words = (value: ParamValue) => `${Number(value) / 1024}K`;

test("a point has the last run of each policy", () => {
  expect(POINTS.map((point) => [runAt(point, "sync")?.id, runAt(point, "none")?.id])).toEqual([
    [5, 4],
    [2, 1],
    [undefined, undefined],
  ]);
  expect(POINTS.map((point) => figureAt(point, "sync", SWEEP_FIGURE))).toEqual([48, 2092, null]);
});

test("values lie by size, by magnitude, or one after the other", () => {
  expect(sweepScale([1, 2, 3])).toBe("linear");
  expect(sweepScale([4096, 2 ** 21])).toBe("log");
  expect(sweepScale([0, 10, 1000])).toBe("steps");
  expect(sweepScale(["sequential", "random"])).toBe("steps");
});

describe("the chart of a sweep", () => {
  const chart = (points = POINTS) =>
    sweepChart({ points, parameter: "chunk", valueWords: words, palette: PALETTES.light, font: "Sans" });

  test("has a line a policy, its values rising and gaps where nothing is known", () => {
    const { datasets } = chart().data;
    expect(datasets.map((set) => [set.label, set.borderColor, set.data])).toEqual([
      [
        "no reclaim",
        policyColor("none", "light"),
        [4096, 2 ** 21, 2 ** 22].map((x, i) => ({ x, y: [2092, 2092, Number.NaN][i] })),
      ],
      [
        "sync reclaim",
        policyColor("sync", "light"),
        [4096, 2 ** 21, 2 ** 22].map((x, i) => ({ x, y: [2092, 48, Number.NaN][i] })),
      ],
    ]);
    expect(new Set(datasets.map((set) => set.pointStyle)).size).toBe(2);
    expect(sweepOrder(POINTS).map((point) => point.value)).toEqual([4096, 2 ** 21, 2 ** 22]);
  });

  test("a policy whose line lies on another's shows at both sides of it", () => {
    const alike = sweepPoints(
      [run(1, "none", 1, 100), run(2, "sync", 1, 100), run(3, "none", 2, 200), run(4, "sync", 2, 200)],
      "chunk",
      [1, 2],
    );
    const [above, beneath] = chart(alike).data.datasets;
    expect(Number(beneath.borderWidth)).toBeGreaterThan(Number(above.borderWidth));
    expect(beneath.borderDash).toEqual([]);
    expect(beneath.borderColor).not.toBe(policyColor("sync", "light"));
    const [, apart] = chart().data.datasets;
    expect(apart.borderWidth).toBe(above.borderWidth);
  });

  test("shows choices one after the other", () => {
    const choices = sweepPoints([run(1, "sync", "random", 4), run(2, "sync", "sequential", 8)], "chunk", [
      "sequential",
      "random",
    ]);
    expect(chart(choices).data.datasets.map((set) => set.data)).toEqual([
      [
        { x: 0, y: 8 },
        { x: 1, y: 4 },
      ],
    ]);
  });
});

test("the result is said in words", () => {
  const say = (points: typeof POINTS) => plainSentence(sweepSentence(points, SWEEP_FIGURE, words));
  expect(say(POINTS)).toBe(
    "VmPTE at the peak: 2.04 MiB without reclaim and 48 KiB to 2.04 MiB with sync reclaim. Most is saved at 2048K: 97.7 % less.",
  );
  expect(say(POINTS.slice(1))).toMatch(/Nothing is saved at any value\.$/);
  expect(say([])).toBe("");
});

test("a policy without a result so far is not among them", () => {
  const points = sweepPoints([...RUNS, run(6, "eager", 4096, null)], "chunk", [4096]);
  expect(plainSentence(sweepSentence(points, SWEEP_FIGURE, words))).toBe(
    "VmPTE at the peak: 2.04 MiB without reclaim and 2.04 MiB with sync reclaim. Nothing is saved at any value.",
  );
});
