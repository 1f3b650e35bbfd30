import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDigits } from "./format.ts";

test("digits are those of Intl, whatever the number", () => {
  const number = fc.oneof(
    fc.integer({ min: -2_000_000, max: 2_000_000 }),
    fc.integer({ min: -2_000_000, max: 2_000_000 }).map((value) => value / 1000),
    fc.maxSafeInteger(),
    fc.double({ noDefaultInfinity: false }),
  );
  fc.assert(
    fc.property(number, fc.integer({ min: 0, max: 6 }), (value, most) => {
      // Nobody wants to read "-0", which is what Intl makes of minus zero.
      fc.pre(!Object.is(value, -0));
      const intl = new Intl.NumberFormat("en-US", { maximumFractionDigits: most });
      expect(formatDigits(value, most)).toBe(intl.format(value));
    }),
    { numRuns: 3000 },
  );
});
