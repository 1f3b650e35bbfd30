import fc from "fast-check";
import { expect, test } from "vitest";
import { freeRunCount, freeRuns } from "./survivors.ts";

test("the free runs are as many as said, apart, in order, and reach to the end", () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.nat(50), fc.nat(), (pieces, percent, seed) => {
      const runs = [...freeRuns(pieces, percent, seed)];
      expect(runs).toHaveLength(freeRunCount(pieces, percent));
      let end = -1;
      for (const { first, count } of runs) {
        expect(count).toBeGreaterThan(0);
        expect(first).toBe(end + 1);
        end = first + count;
      }
      expect(runs.length === 0 ? 0 : end).toBe(pieces);
    }),
  );
});

test("a tenth of survivors leaves a tenth in use, at places that the seed decides", () => {
  const free = (seed: number): number => [...freeRuns(10_000, 10, seed)].reduce((sum, { count }) => sum + count, 0);
  expect(free(1)).toBe(10_000 - 999);
  expect([...freeRuns(1000, 10, 1)]).not.toEqual([...freeRuns(1000, 10, 2)]);
});
