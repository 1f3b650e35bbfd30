import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { METRICS, metricById } from "../engine/experiment/figures.ts";
import { cutPoints, indexAt, lowerBound, metricValues, minMaxIndices, thin } from "./points.ts";

const values = fc.float64Array({ minLength: 1, maxLength: 400, noNaN: true, noDefaultInfinity: true });

describe("minMaxIndices", () => {
  test("keeps the ends, the extremes and the order, and no more than was asked for", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 4, max: 500 }), (y, points) => {
        const kept = minMaxIndices(y, points);
        expect(kept.length).toBeLessThanOrEqual(Math.max(points, 4));
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
        expect(kept[0]).toBe(0);
        expect(kept.at(-1)).toBe(y.length - 1);
        const shown = kept.map((i) => y[i]);
        expect(Math.max(...shown)).toBe(Math.max(...y));
        expect(Math.min(...shown)).toBe(Math.min(...y));
        if (y.length <= points) expect(kept).toHaveLength(y.length);
      }),
    );
  });

  test("sees peaks beside values that are not known", () => {
    const y = new Float64Array(1000).fill(Number.NaN);
    y[500] = 7;
    y[501] = -7;
    const shown = minMaxIndices(y, 20).map((i) => y[i]);
    expect(shown).toContain(7);
    expect(shown).toContain(-7);
  });

  test("looks at a part only", () => {
    expect(minMaxIndices(Float64Array.of(1, 2, 3, 4, 5), 4, 1, 3)).toEqual([1, 2]);
    expect(minMaxIndices(Float64Array.of(1, 2), 4, 2, 2)).toEqual([]);
  });
});

test("thin keeps whole rows by the peaks of one column", () => {
  const vmpte = Float64Array.from({ length: 1000 }, (_, i) => (i === 777 ? 9999 : i % 10));
  const seq = Float64Array.from({ length: 1000 }, (_, i) => i);
  const thinned = thin({ count: 1000, columns: { seq, vmpte_kb: vmpte } }, 50, METRICS[0]);
  expect(thinned.count).toBeLessThanOrEqual(50);
  const at = thinned.columns.vmpte_kb?.indexOf(9999) ?? -1;
  expect(thinned.columns.seq?.[at]).toBe(777);
});

test("a line is cut where it crosses the edges of what is seen, straight on its scale", () => {
  const line = [0, 10, 20, 30].map((x) => ({ x, y: 10 ** (x / 10) }));
  expect(cutPoints(line, { min: 10, max: 20 }, false)).toEqual([
    { x: 10, y: 10 },
    { x: 20, y: 100 },
  ]);
  expect(cutPoints(line, { min: 12, max: 15 }, false)).toEqual([
    { x: 12, y: 28 },
    { x: 15, y: 55 },
  ]);
  expect(cutPoints(line, { min: 15, max: 40 }, true)[0]?.y).toBeCloseTo(10 ** 1.5, 9);
  expect(cutPoints(line, { min: 40, max: 50 }, false)).toEqual([]);
});

test("a metric of several columns is their sum, unknown where one is", () => {
  const tlb = metricById("tlb") ?? METRICS[0];
  const columns = {
    tlb_flushes_paged: Float64Array.of(1, 2, Number.NaN),
    tlb_flushes_full: Float64Array.of(10, 20, 30),
  };
  expect([...metricValues({ count: 3, columns }, tlb)]).toEqual([11, 22, Number.NaN]);
  expect([...metricValues({ count: 2, columns: {} }, tlb)]).toEqual([Number.NaN, Number.NaN]);
  expect(columns.tlb_flushes_paged[0]).toBe(1);
});

test("indexAt is the state at a moment, lowerBound the first at or after it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 40 }),
      fc.integer({ min: -1, max: 31 }),
      (list, x) => {
        const xs = Float64Array.from(list).sort();
        expect(indexAt(xs, x)).toBe(xs.findLastIndex((value) => value <= x));
        const first = xs.findIndex((value) => value >= x);
        expect(lowerBound(xs, x)).toBe(first === -1 ? xs.length : first);
      },
    ),
  );
});
