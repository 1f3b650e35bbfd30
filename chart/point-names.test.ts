import { expect, test } from "vitest";
import { overlapping } from "./point-names.ts";

test("names that overlap are in one group, whichever side of their points they are on", () => {
  const at = (from: number, to: number) => ({ from, to });
  expect(overlapping([])).toEqual([]);
  expect(overlapping([at(0, 10), at(10, 20)])).toEqual([[0], [1]]);
  // The second is to the left of its point and reaches back over the first, whose point is far off.
  expect(overlapping([at(100, 160), at(70, 130), at(300, 340)])).toEqual([[1, 0], [2]]);
  // One that is long joins what lies in it.
  expect(overlapping([at(0, 100), at(10, 20), at(50, 60)])).toEqual([[0, 1, 2]]);
});
