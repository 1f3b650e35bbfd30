import { expect, test } from "vitest";
import { sparklinePath } from "./sparkline.ts";

test("from left to right, zero at the bottom, the largest value at the top", () => {
  expect(sparklinePath([0, 5, 10], 60, 20, 10)).toBe("M0 20L30 10L60 0");
});

test("one value is a level line, none is nothing, all zero lies at the bottom", () => {
  expect(sparklinePath([5], 60, 20, 10)).toBe("M0 10L60 10");
  expect(sparklinePath([], 60, 20, 10)).toBe("");
  expect(sparklinePath([0, 0], 60, 20, 0)).toBe("M0 20L60 20");
});
