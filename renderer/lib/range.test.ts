import { expect, test } from "vitest";
import { panned, within, zoomed } from "./range.ts";

const whole = { min: 0, max: 1000 };

test("zooming keeps the place under the pointer", () => {
  expect(zoomed(undefined, whole, 0.5, 250)).toEqual({ min: 125, max: 625 });
  expect(zoomed({ min: 125, max: 625 }, whole, 0.5, 125)).toEqual({ min: 125, max: 375 });
});

test("zooming out ends at the whole axis, zooming in at a ten-thousandth of it", () => {
  expect(zoomed({ min: 100, max: 900 }, whole, 2, 500)).toBeUndefined();
  const closest = zoomed({ min: 500, max: 500.1 }, whole, 0.1, 500);
  expect(closest && closest.max - closest.min).toBeCloseTo(0.1);
});

test("panning stops at the ends", () => {
  expect(panned({ min: 100, max: 300 }, whole, 0.5)).toEqual({ min: 200, max: 400 });
  expect(panned({ min: 100, max: 300 }, whole, -5)).toEqual({ min: 0, max: 200 });
  expect(panned({ min: 100, max: 300 }, whole, 50)).toEqual({ min: 800, max: 1000 });
  expect(panned(undefined, whole, 0.5)).toBeUndefined();
});

test("a range is brought back within the axis", () => {
  expect(within({ min: -50, max: 50 }, whole)).toEqual({ min: 0, max: 100 });
  expect(within({ min: -1, max: 2000 }, whole)).toBeUndefined();
});
