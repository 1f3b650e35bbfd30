import fc from "fast-check";
import { expect, it } from "vitest";
import type { NumberParam } from "./params.ts";
import { SWEEP_POINTS_MAX, sweepValues } from "./sweep.ts";

const chunk: NumberParam = {
  name: "chunk",
  label: "Piece",
  description: "",
  type: "bytes",
  min: 4096,
  max: 2 ** 30,
  default: 2 ** 21,
  multipleOf: 4096,
};

it("doubles from 4 kB to 8 MB", () => {
  const values = sweepValues(chunk, { from: 4096, to: 2 ** 23, points: 12, scale: "log" });
  expect(values).toEqual(Array.from({ length: 12 }, (_, i) => 4096 * 2 ** i));
});

it("has a value a doubling where nobody says how many and that meets both ends, else 12", () => {
  expect(sweepValues(chunk, { from: 2 ** 16, to: 2 ** 23, scale: "log" })).toEqual(
    [16, 17, 18, 19, 20, 21, 22, 23].map((n) => 2 ** n),
  );
  expect(sweepValues(chunk, { from: 2 ** 13, to: 4096, scale: "log" })).toEqual([8192, 4096]);
  expect(sweepValues(chunk, { from: 4096, to: 3 * 2 ** 22, scale: "log" })).toHaveLength(12);
  expect(sweepValues(chunk, { from: 4096, to: 12 * 4096, scale: "linear" })).toHaveLength(12);
});

it("goes evenly, and down where it is asked to", () => {
  expect(sweepValues(chunk, { from: 12_288, to: 4096, points: 3, scale: "linear" })).toEqual([12_288, 8192, 4096]);
});

it("gives values that the parameter may take, each once, ends included", () => {
  const bound = fc.integer({ min: 1, max: 2 ** 18 }).map((pages) => pages * 4096);
  fc.assert(
    fc.property(
      bound,
      bound,
      fc.integer({ min: 2, max: 1000 }),
      fc.constantFrom("linear", "log"),
      (from, to, points, scale) => {
        const values = sweepValues(chunk, { from, to, points, scale });
        expect(values.length).toBeLessThanOrEqual(Math.min(points, SWEEP_POINTS_MAX));
        expect(new Set(values).size).toBe(values.length);
        expect(values[0]).toBe(from);
        expect(values.at(-1)).toBe(to);
        for (const value of values) {
          expect(value % 4096).toBe(0);
          expect(value).toBeGreaterThanOrEqual(Math.min(from, to));
          expect(value).toBeLessThanOrEqual(Math.max(from, to));
        }
      },
    ),
  );
});
