import { expect, test } from "vitest";
import { ServiceLines } from "./service-lines.ts";

test("a process begins where it begins, and has the most of each step", () => {
  const lines = new ServiceLines();
  lines.reach(8);
  lines.hold(3, 2, 4, 10);
  lines.hold(3, 4, 5, 30);
  lines.hold(3, 5, 8, 20);
  expect(lines.step).toBe(1);
  expect(lines.of(3)).toEqual({ from: 2, kb: [10, 10, 30, 20, 20, 20] });
  expect(lines.of(4)).toEqual({ from: 0, kb: [] });
});

test("steps widen as the run goes on, and no peak is lost", () => {
  const lines = new ServiceLines();
  for (let at = 0; at < 1000; at++) {
    lines.reach(at + 1);
    lines.hold(0, at, at + 1, at === 333 ? 99 : 1);
    if (at >= 500) lines.hold(1, at, at + 1, 5);
  }
  expect(lines.step).toBe(8);
  const { from, kb } = lines.of(0);
  expect([from, kb.length]).toEqual([0, 125]);
  expect(kb.indexOf(99)).toBe(Math.floor(333 / 8));
  expect(kb.filter((each) => each === 1)).toHaveLength(124);
  expect(lines.of(1)).toEqual({ from: Math.floor(500 / 8), kb: Array(63).fill(5) });
});

test("a pause of hours is a level line", () => {
  const lines = new ServiceLines();
  lines.reach(10);
  lines.hold(0, 0, 10, 4);
  lines.reach(3.6e12);
  lines.hold(0, 10, 3.6e12, 8);
  const { kb } = lines.of(0);
  expect(new Set(kb)).toEqual(new Set([8]));
  expect(kb.length).toBeGreaterThanOrEqual(64);
  expect(kb.length).toBeLessThanOrEqual(128);
});
