/** What holds for any sequence of operations. A failure prints its seed, the smallest sequence, and the command that replays it. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { featuresOf, POLICY_IDS, type PolicyId } from "../experiment/policies.ts";
import type { KernelOptions } from "./config.ts";
import { checkInvariants } from "./invariants.ts";
import { createKernel, type Kernel } from "./kernel.ts";
import type { Operation } from "./operation.ts";
import { checkProperty, type OperationKinds, randomOperation } from "./random-operations.testing.ts";
import { SAMPLE_COLUMNS } from "./sample-columns.ts";

const FILE = "engine/mm/properties.test.ts";
const EVERYTHING: OperationKinds = { huge: true, fork: true };
const ONE_PROCESS: OperationKinds = { huge: false, fork: false };

function sequence(kinds: OperationKinds): fc.Arbitrary<Operation[]> {
  return fc.array(randomOperation(kinds), { minLength: 1, maxLength: 60, size: "max" });
}

/** Knobs that make what comes by the clock come within a short sequence. */
const QUICK: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  async: { scan_interval: 1, scan_size: 2 ** 24 },
  demand: { demand_interval: 1 },
};

const options: fc.Arbitrary<KernelOptions> = fc.record({
  features: fc.constantFrom(...POLICY_IDS).map((id) => featuresOf(id, QUICK[id])),
  zeroTables: fc.boolean(),
  seed: fc.nat(1000),
  config: fc.record({ levels: fc.constantFrom(4, 5) }),
  reschedRate: fc.constantFrom(0, 0, 0.01, 0.3),
  batchFailRate: fc.constantFrom(0, 0.5),
  image: fc.constantFrom("process", "empty"),
  profile: fc.record({ swap: fc.boolean(), khugepaged: fc.boolean(), depositedTables: fc.boolean() }),
  checked: fc.boolean(),
});

function sampleOf(kernel: Kernel): number[] {
  const row = new Float64Array(SAMPLE_COLUMNS.length);
  kernel.sampleInto(row, 0);
  return [...row];
}

describe("for any sequence of operations", () => {
  test("counts equal recounts after every operation", () => {
    const property = fc.property(options, sequence(EVERYTHING), (given, operations) => {
      const kernel = createKernel(given);
      checkInvariants(kernel.state);
      operations.forEach((operation, index) => {
        kernel.execute(operation);
        try {
          checkInvariants(kernel.state);
        } catch (error) {
          throw new Error(`operation ${index}, ${JSON.stringify(operation)}: ${(error as Error).message}`);
        }
      });
    });
    checkProperty("counts equal recounts after every operation", FILE, property, 400);
  });

  test("point by point everything comes out as it does plainly", () => {
    const property = fc.property(options, sequence(EVERYTHING), (given, operations) => {
      const plain = createKernel(given);
      const explored = createKernel({ ...given, explored: true });
      for (const [index, operation] of operations.entries()) {
        const expected = { ...plain.execute(operation), sample: sampleOf(plain), stats: { ...plain.state.stats } };
        const result = explored.execute(operation);
        const got = { ...result, sample: sampleOf(explored), stats: { ...explored.state.stats } };
        expect(got, `operation ${index}, ${JSON.stringify(operation)}`).toEqual(expected);
      }
      expect([...explored.state.locks]).toEqual([]);
      expect([...explored.state.rcuReaders]).toEqual([]);
    });
    checkProperty("point by point everything comes out as it does plainly", FILE, property, 200);
  });

  test("nothing is left once everything has ended and a grace period is over", () => {
    const property = fc.property(options, sequence(EVERYTHING), (given, operations) => {
      const kernel = createKernel(given);
      for (const operation of operations) kernel.execute(operation);
      for (const { id, alive } of [...kernel.state.processes]) if (alive) kernel.execute({ op: "exit", process: id });
      for (let i = 0; i < 3; i++) kernel.execute({ op: "tick", ms: 100 });
      const { stats, rcuPending } = kernel.state;
      expect(rcuPending).toBe(0);
      expect(stats.tablesAllocated - stats.tablesFreed).toBe(0);
      expect(kernel.state.processes.map((mm) => mm.ptes + mm.pmds + mm.puds + mm.totalVm)).toEqual(
        kernel.state.processes.map(() => 0),
      );
    });
    checkProperty("nothing is left once everything has ended", FILE, property, 200);
  });

  test("without huge pages the modes differ in tables only", () => {
    const property = fc.property(sequence(ONE_PROCESS), (operations) => {
      const sync = createKernel({ features: featuresOf("sync"), profile: { swap: true } });
      const none = createKernel({ features: featuresOf("none"), profile: { swap: true } });
      for (const operation of operations) {
        const { status, segv, bus } = { ...sync.execute(operation) };
        const other = none.execute(operation);
        expect([other.status, other.segv, other.bus]).toEqual([status, segv, bus]);
        expect(sync.rssKb()).toBe(none.rssKb());
        expect(sync.virtKb()).toBe(none.virtKb());
        expect(sync.vmpteKb()).toBeLessThanOrEqual(none.vmpteKb());
      }
      expect(none.reclaimedPteTables).toBe(0);
    });
    checkProperty("without huge pages the modes differ in tables only", FILE, property, 200);
  });

  test("without huge pages the policies differ in tables only, and a reference count keeps fewest", () => {
    const others: PolicyId[] = POLICY_IDS.filter((id) => id !== "none");
    const property = fc.property(sequence(ONE_PROCESS), (operations) => {
      const none = createKernel({ features: featuresOf("none"), profile: { swap: true } });
      const kernels = others.map((id) =>
        createKernel({ features: featuresOf(id, QUICK[id]), profile: { swap: true } }),
      );
      const kb = (id: PolicyId) => kernels[others.indexOf(id)].vmpteKb();
      for (const operation of operations) {
        const { status, segv, bus } = { ...none.execute(operation) };
        for (const [at, kernel] of kernels.entries()) {
          const other = kernel.execute(operation);
          // Who knows no MADV_PT_RECLAIM refuses it.
          if (others[at] === "demand" && operation.op === "madvise" && operation.advice === "pt_reclaim") continue;
          expect([other.status, other.segv, other.bus], others[at]).toEqual([status, segv, bus]);
          expect(kernel.rssKb()).toBe(none.rssKb());
          expect(kernel.virtKb()).toBe(none.virtKb());
          expect(kernel.vmpteKb(), others[at]).toBeLessThanOrEqual(none.vmpteKb());
        }
        for (const id of others) expect(kb("refcount"), id).toBeLessThanOrEqual(kb(id));
        expect(kb("eager")).toBeLessThanOrEqual(kb("sync"));
      }
    });
    checkProperty("without huge pages the policies differ in tables only", FILE, property, 150);
  });

  test("pieces below 2 MiB make sync answer as none does", () => {
    const property = fc.property(sequence(ONE_PROCESS), (operations) => {
      const sync = createKernel({ features: featuresOf("sync") });
      const none = createKernel({ features: featuresOf("none") });
      for (const operation of operations) {
        const dontneed = operation.op === "madvise" && operation.advice.startsWith("dontneed");
        sync.execute(dontneed ? { ...operation, step: 2 ** 20 } : operation);
        none.execute(operation);
        expect(sync.vmpteKb()).toBe(none.vmpteKb());
      }
      expect(sync.reclaimedPteTables).toBe(0);
    });
    checkProperty("pieces below 2 MiB make sync answer as none does", FILE, property, 200);
  });

  test("touching a range is touching its pages one by one", () => {
    const property = fc.property(sequence({ huge: true, fork: false }), (operations) => {
      const whole = createKernel({ features: featuresOf("sync") });
      const single = createKernel({ features: featuresOf("sync") });
      for (const operation of operations) {
        const result = { ...whole.execute(operation) };
        if (operation.op !== "touch") {
          single.execute(operation);
        } else {
          let segv = 0;
          let bus = 0;
          for (let at = operation.addr; at < operation.addr + operation.len; at += 4096) {
            const one = single.execute({ ...operation, addr: at, len: 4096 });
            segv += one.segv;
            bus += one.bus;
          }
          expect([segv, bus]).toEqual([result.segv, result.bus]);
        }
        expect(single.vmpteKb()).toBe(whole.vmpteKb());
        expect(single.rssKb()).toBe(whole.rssKb());
        expect(single.state.stats.faults).toBe(whole.state.stats.faults);
      }
    });
    checkProperty("touching a range is touching its pages one by one", FILE, property, 60);
  });

  test("need_resched and failing allocations change how tables are freed, never which", () => {
    const property = fc.property(fc.nat(1000), sequence(EVERYTHING), (seed, operations) => {
      const calm = createKernel({ features: featuresOf("sync") });
      const busy = createKernel({ features: featuresOf("sync"), seed, reschedRate: 0.2, batchFailRate: 0.5 });
      for (const operation of operations) {
        calm.execute(operation);
        busy.execute(operation);
        expect(busy.vmpteKb()).toBe(calm.vmpteKb());
        expect(busy.rssKb()).toBe(calm.rssKb());
      }
      expect(busy.reclaimedPteTables).toBe(calm.reclaimedPteTables);
      expect(calm.slowPathReclaims).toBe(0);
    });
    checkProperty("need_resched and failing allocations change how tables are freed", FILE, property, 100);
  });

  test("the same seed gives the same samples", () => {
    const property = fc.property(options, sequence(EVERYTHING), (given, operations) => {
      const first = createKernel(given);
      const second = createKernel(given);
      for (const operation of operations) {
        first.execute(operation);
        second.execute(operation);
        expect(sampleOf(second)).toEqual(sampleOf(first));
      }
    });
    checkProperty("the same seed gives the same samples", FILE, property, 60);
  });

  test("five levels answer as four do below 2^47", () => {
    const property = fc.property(sequence(EVERYTHING), (operations) => {
      const four = createKernel({ features: featuresOf("sync") });
      const five = createKernel({ features: featuresOf("sync"), config: { levels: 5 } });
      for (const operation of operations) {
        const { status, segv, bus } = { ...four.execute(operation) };
        const other = five.execute(operation);
        expect([other.status, other.segv, other.bus]).toEqual([status, segv, bus]);
        expect(five.vmpteKb()).toBe(four.vmpteKb());
      }
    });
    checkProperty("five levels answer as four do below 2^47", FILE, property, 60);
  });
});
