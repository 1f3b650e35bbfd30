/** A kernel that went back to an earlier moment is the kernel that it was. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { featuresOf, POLICY_IDS } from "../experiment/policies.ts";
import { SAMPLE_COLUMNS } from "../experiment/types.ts";
import type { KernelOptions } from "../mm/config.ts";
import { checkInvariants } from "../mm/invariants.ts";
import { createKernel, type Kernel } from "../mm/kernel.ts";
import { checkProperty, randomOperation } from "../mm/random-operations.testing.ts";
import type { Operation } from "../workload/operation.ts";
import { type FreedWatch, watchFreed } from "./freed.ts";
import { readPageMap } from "./page-map.ts";
import { takeSnapshot } from "./snapshot.ts";

const FILE = "engine/map/snapshot.test.ts";
const operations = fc.array(randomOperation({ huge: true, fork: true }), { maxLength: 40, size: "max" });
const options: fc.Arbitrary<KernelOptions> = fc.record({
  features: fc.constantFrom(...POLICY_IDS).map((id) => featuresOf(id)),
  seed: fc.nat(1000),
  reschedRate: fc.constantFrom(0, 0.3),
  profile: fc.record({ swap: fc.boolean(), khugepaged: fc.boolean() }),
});

const keptOf = (kernel: Kernel, freed: FreedWatch) => [kernel, kernel.state, kernel.state.tables, freed.marks];

/** All that is sampled and drawn, and what each operation answered. */
function runOn(kernel: Kernel, freed: FreedWatch, todo: readonly Operation[]) {
  return todo.map((operation) => {
    const result = { ...kernel.execute(operation) };
    const row = new Float64Array(SAMPLE_COLUMNS.length);
    kernel.sampleInto(row, 0);
    const { state } = kernel;
    const map = readPageMap(state, state.processes[0], freed, { from: 0, count: 0, cells: 500 });
    return { result, row: [...row], counts: [...map.counts], segments: map.segments };
  });
}

test("what follows after going back is what followed before, as often as one goes back", () => {
  const property = fc.property(options, operations, operations, (given, before, after) => {
    const kernel = createKernel(given);
    const { state } = kernel;
    const freed = watchFreed(state.tables);
    runOn(kernel, freed, before);
    const snapshot = takeSnapshot(keptOf(kernel, freed));
    const straight = runOn(kernel, freed, after);
    for (let time = 0; time < 2; time++) {
      snapshot.restore();
      expect(kernel.state).toBe(state);
      expect(kernel.operations).toBe(before.length);
      checkInvariants(state);
      expect(runOn(kernel, freed, after)).toEqual(straight);
    }
  });
  checkProperty("what follows after going back", FILE, property, 150);
});

test("what is kept stays the same object; all else is its own", () => {
  const shared = { list: [1, 2], self: null as unknown };
  shared.self = shared;
  const kept = {
    a: shared,
    b: shared,
    map: new Map([["x", new Set([1])]]),
    bytes: Uint8Array.from([1, 2, 3]),
    act: () => 1,
  };
  const { bytes, act } = kept;
  const snapshot = takeSnapshot([kept]);
  shared.list.push(3);
  kept.map.get("x")?.add(2);
  kept.map.set("y", new Set());
  bytes[0] = 9;
  snapshot.restore();
  expect(kept.a).toBe(kept.b);
  expect(kept.a.self).toBe(kept.a);
  expect(kept.a.list).toEqual([1, 2]);
  expect(shared.list).toEqual([1, 2, 3]);
  expect(kept.map).toEqual(new Map([["x", new Set([1])]]));
  expect(kept.bytes).toBe(bytes);
  expect([...bytes]).toEqual([1, 2, 3]);
  expect(kept.act).toBe(act);
});

test("the room it takes counts all that it holds", () => {
  const noise = Uint32Array.from({ length: 10_000 }, (_, i) => Math.imul(i * i, 2_654_435_761));
  expect(takeSnapshot([{ deep: { deeper: { noise } } }]).bytes).toBeGreaterThan(noise.byteLength);
  const walk = takeSnapshot([{ deep: { slots: new Uint32Array(100_000).fill(7) } }]);
  expect(walk.bytes).toBeLessThan(1000);
  const list = takeSnapshot([{ list: Array.from({ length: 1000 }, (_, at) => ({ at })) }]);
  expect(list.bytes).toBeGreaterThan(1000 * 64);
});

test("what cannot be copied is refused", () => {
  expect(() => takeSnapshot([{ weak: new WeakMap() }])).toThrow("weak");
});
