import { expect, test } from "vitest";
import { linearSizeTicks } from "./axes.ts";

test("an axis of sizes has round steps, and one without an end keeps the ticks that it has", () => {
  const scale: { ticks: { value: number }[]; min: number; max: number } = { ticks: [], min: 0, max: 5000 };
  linearSizeTicks(scale);
  expect(scale.ticks.map(({ value }) => value)).toEqual([0, 1024, 2048, 3072, 4096, 5120]);
  for (const end of [Number.POSITIVE_INFINITY, Number.NaN]) {
    const endless = { ticks: [{ value: 7 }], min: 0, max: end };
    linearSizeTicks(endless);
    expect(endless.ticks).toEqual([{ value: 7 }]);
  }
});
