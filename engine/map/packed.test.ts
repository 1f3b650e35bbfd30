import fc from "fast-check";
import { expect, test } from "vitest";
import { checkProperty } from "../mm/random-operations.testing.ts";
import { Rng } from "../mm/rng.ts";
import { type PackableArray, Packed } from "./packed.ts";

const stretch = fc.record({
  first: fc.constantFrom(0, 1, 7, 2 ** 31 - 1, -(2 ** 31), 65_535),
  step: fc.constantFrom(0, 0, 1, -1, 65_537, 2 ** 30),
  length: fc.integer({ min: 1, max: 40 }),
});
const words = fc
  .array(
    fc.oneof(stretch, fc.record({ first: fc.integer(), step: fc.integer(), length: fc.integer({ min: 1, max: 3 }) })),
  )
  .map((stretches) =>
    stretches.flatMap(({ first, step, length }) => Array.from({ length }, (_, i) => (first + Math.imul(step, i)) | 0)),
  );

test("every array comes back as it was, in a new one and in the one that is there", () => {
  const property = fc.property(words, fc.integer({ min: 0, max: 3 }), (values, spare) => {
    const { buffer } = Int32Array.from([...values, -1]);
    const bytes = values.length * 4 + spare;
    const arrays: PackableArray[] = [
      new Int32Array(buffer, 0, values.length),
      new Uint32Array(buffer, 0, values.length),
      new Uint16Array(buffer, 0, bytes >> 1),
      new Uint8Array(buffer, 0, bytes),
      Float64Array.from(values),
    ];
    for (const array of arrays) {
      const before = array.slice();
      const packed = new Packed(array);
      expect(packed.unpack()).toEqual(before);
      const there = array.slice().fill(42);
      expect(packed.unpack(there)).toBe(there);
      expect(there).toEqual(before);
      const longer = new (array.constructor as Uint8ArrayConstructor)(before.length + 2).fill(42);
      expect(packed.unpack(longer)).toBe(longer);
      expect(longer.subarray(0, before.length)).toEqual(before);
      expect([...longer.subarray(before.length)]).toEqual([0, 0]);
      if (before.length > 0) expect(packed.unpack(longer.slice(1, before.length))).toEqual(before);
      const other = new BigInt64Array(before.length + 1).fill(42n);
      expect(packed.unpack(other)).toEqual(before);
      expect(other.every((value) => value === 42n)).toBe(true);
    }
  });
  checkProperty("every array comes back as it was", "engine/map/packed.test.ts", property, 300);
});

test("tables one after the other take next to no room, and noise no more than itself", () => {
  const slots = Uint16Array.from({ length: 512 * 1000 }, (_, i) => i % 512);
  expect(new Packed(slots).bytes).toBeLessThan(1000 * 13);
  const random = new Rng(1);
  const noise = Uint32Array.from({ length: 5000 }, () => random.uint32());
  expect(new Packed(noise).bytes).toBeLessThanOrEqual(noise.byteLength);
});
