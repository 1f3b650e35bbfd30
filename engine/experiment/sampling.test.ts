import { describe, expect, test } from "vitest";
import { samplingPlan } from "./sampling.ts";

function points(total: number | null, until: number, wanted?: number): number[] {
  const plan = samplingPlan(total, wanted);
  const out: number[] = [];
  while (plan.next <= until) {
    out.push(plan.next);
    plan.advance();
  }
  return out;
}

describe("samplingPlan", () => {
  test("a known length gives evenly spaced points with both ends", () => {
    const got = points(51_201, Number.MAX_SAFE_INTEGER);
    expect(got).toHaveLength(2001);
    expect(got[0]).toBe(0);
    expect(got.at(-1)).toBe(51_201);
    const steps = got.slice(1).map((value, i) => value - got[i]);
    expect(Math.max(...steps) - Math.min(...steps)).toBe(1);
  });

  test("a short workload is sampled at every operation", () => {
    expect(points(4, 1000)).toEqual([0, 1, 2, 3, 4]);
    expect(points(0, 1000)).toEqual([0]);
  });

  test("an unknown length is sampled half as often each time the count doubles", () => {
    expect(points(null, 40, 4)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40]);
    expect(points(null, 10_000_000).length).toBeLessThan(30_000);
  });

  test("no file is so long that its samples fill the disk", () => {
    expect(points(null, 1e9).length).toBeLessThan(45_000);
    expect(points(null, Number.MAX_SAFE_INTEGER / 2).length).toBeLessThan(100_000);
  });
});
