import fc from "fast-check";
import { expect, it } from "vitest";
import { pick, thinnedPositions } from "./thin.ts";

it("keeps first, last, lowest and highest, in order and within the bound", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 3000 }),
      fc.integer({ min: 4, max: 500 }),
      (list, pointsMax) => {
        const values = Float64Array.from(list);
        const positions = thinnedPositions(values, pointsMax);
        expect(positions.length).toBeLessThanOrEqual(Math.max(pointsMax, 0));
        expect(positions.length).toBeGreaterThanOrEqual(Math.min(values.length, 3));
        expect(positions[0]).toBe(0);
        expect(positions.at(-1)).toBe(values.length - 1);
        for (let i = 1; i < positions.length; i++) expect(positions[i]).toBeGreaterThan(positions[i - 1]);
        const kept = pick(values, positions);
        expect(Math.max(...kept)).toBe(Math.max(...values));
        expect(Math.min(...kept)).toBe(Math.min(...values));
      },
    ),
  );
});

it("leaves alone what is short enough", () => {
  const values = Float64Array.of(3, 1, 2);
  expect([...pick(values, thinnedPositions(values, 4))]).toEqual([3, 1, 2]);
});
