import { expect, test } from "vitest";
import { type Checkpoint, Checkpoints } from "./checkpoints.ts";

const at = (operations: number, bytes = 10): Checkpoint => ({
  operations,
  process: 0,
  snapshot: { bytes, restore: () => undefined },
});

/** The moments that one can go back to, of these. */
const moments = (checkpoints: Checkpoints, upTo: number): number[] => [
  ...new Set(Array.from({ length: upTo + 1 }, (_, i) => checkpoints.upTo(i).operations)),
];

test("the last one at or before a moment", () => {
  const checkpoints = new Checkpoints(at(0), 1000);
  checkpoints.add(at(10), 5);
  checkpoints.add(at(30), 5);
  checkpoints.add(at(20), 3);
  expect([0, 9, 10, 19, 20, 29, 30, 99].map((moment) => checkpoints.upTo(moment).operations)).toEqual([
    0, 0, 10, 10, 20, 20, 30, 30,
  ]);
  checkpoints.add(at(20, 500), 3);
  expect(checkpoints.bytes).toBe(40);
});

test("within the budget, and the stretches between them even", () => {
  const checkpoints = new Checkpoints(at(0), 90);
  for (let moment = 1; moment <= 64; moment++) {
    checkpoints.add(at(moment), 1);
    expect(checkpoints.bytes).toBeLessThanOrEqual(90);
  }
  const there = moments(checkpoints, 64);
  expect(there).toHaveLength(9);
  const gaps = [...there, 64].map((moment, i, all) => moment - (all[i - 1] ?? 0));
  expect(Math.max(...gaps)).toBeLessThanOrEqual(16);
});

test("one more is wanted after the last, and between two while there is room", () => {
  const checkpoints = new Checkpoints(at(0), 40);
  for (const moment of [10, 20]) checkpoints.add(at(moment), 1);
  expect([5, 15, 25].map((moment) => checkpoints.wants(moment))).toEqual([true, true, true]);
  checkpoints.add(at(30), 1);
  expect([5, 15, 25, 30, 31].map((moment) => checkpoints.wants(moment))).toEqual([false, false, false, false, true]);
});

test("one that is larger than the budget is not kept, the first one is", () => {
  const checkpoints = new Checkpoints(at(0, 500), 100);
  checkpoints.add(at(5, 500), 1);
  expect(checkpoints.upTo(7).operations).toBe(0);
  expect(checkpoints.count).toBe(1);
});
