import { expect, test } from "vitest";
import { Timeline } from "./timeline.ts";

test("averages are exact from every moment at which it was held, and even between two", () => {
  const line = new Timeline(1);
  expect(line.averageFrom(0)).toBeNull();
  line.hold(10, 100, 0, 0);
  line.hold(1_000_000, 20, 2, 7);
  expect(line.averageFrom(10)).toEqual({ vmpteKb: 20, emptyPteTables: 2, rssKb: 7 });
  expect(line.averageFrom(0)?.vmpteKb).toBeCloseTo((100 * 10 + 20 * 999_990) / 1e6, 9);
  expect(line.averageFrom(0)?.rssKb).toBeCloseTo((7 * 999_990) / 1e6, 9);
  expect(line.averageFrom(500_005)).toEqual({ vmpteKb: 20, emptyPteTables: 2, rssKb: 7 });
  expect(line.averageFrom(1_000_000)).toBeNull();
});

test("memory is constant, and what is forgotten costs a two-thousandth of the whole at most", () => {
  const line = new Timeline(1);
  const many = 100_000;
  for (let i = 1; i <= many; i++) line.hold(i, i, 0, 0);
  const exact = (from: number): number => (from + 1 + many) / 2;
  for (const from of [0, 12_345, 90_000]) expect(line.averageFrom(from)?.vmpteKb).toBeCloseTo(exact(from), 0);
});
