import { expect, test } from "vitest";
import { cellScale } from "./draw.ts";

test("few cells are drawn larger, and all of them fit into the rows that there are", () => {
  expect(cellScale(60, 54, 8)).toBe(2);
  expect(cellScale(432, 54, 8)).toBe(1);
  for (let cells = 1; cells <= 54 * 8; cells++) {
    const scale = cellScale(cells, 54, 8);
    expect(Math.ceil(cells / Math.floor(54 / scale)) * scale).toBeLessThanOrEqual(8);
  }
});
