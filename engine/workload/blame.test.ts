import { describe, expect, test } from "vitest";
import { foldedStacks, speedscope } from "../experiment/blame.ts";
import { featuresOf } from "../experiment/policies.ts";
import { createKernel } from "../mm/kernel.ts";
import { blaming } from "./blame.ts";
import type { Operation } from "./operation.ts";

const MIB = 2 ** 20;
const BASE = 2 ** 44;
const [FEW, MANY] = [
  ["main", "few"],
  ["main", "many"],
] as const;

function mapped(tables: number): Operation[] {
  return [
    { op: "mmap", addr: BASE, len: 2 * MIB * tables, prot: "rw", backing: "anon" },
    { op: "touch", addr: BASE, len: 2 * MIB * tables, access: "w", stride: 2 * MIB },
  ];
}

function released(table: number, len: number, stack: readonly string[]): Operation {
  return { op: "madvise", addr: BASE + table * 2 * MIB, len, advice: "dontneed", stack };
}

function blame(policy: "none" | "sync" | "async", operations: readonly Operation[]) {
  const features = featuresOf(policy);
  const later = features.scan !== null;
  const machine = blaming(createKernel({ features }), { reclaims: policy !== "none", later });
  for (const operation of operations) machine.execute(operation);
  return machine.blame();
}

describe("blame", () => {
  test("each empty table counts for the call that emptied it, with the reason why it stayed", () => {
    const operations = [
      ...mapped(20),
      ...Array.from({ length: 5 }, (_, i) => released(i, 65536, FEW)),
      ...Array.from({ length: 10 }, (_, i) => released(5 + i, 2 * MIB, MANY)),
      // Emptied by the first, filled again, emptied by the second.
      { op: "touch", addr: BASE, len: 4096, access: "w" } as const,
      released(0, 65536, MANY),
    ];
    expect(blame("sync", operations).end).toEqual([
      { stack: FEW, reason: "below_table", tables: 4, kb: 16 },
      { stack: MANY, reason: "below_table", tables: 1, kb: 4 },
    ]);
    expect(blame("none", operations).end).toEqual([
      { stack: MANY, reason: "no_reclaim", tables: 10, kb: 40 },
      { stack: FEW, reason: "below_table", tables: 4, kb: 16 },
      { stack: MANY, reason: "below_table", tables: 1, kb: 4 },
    ]);
  });

  test("at the peak, at its last moment; what is unmapped after it does not change that", () => {
    const { peak, end } = blame("none", [
      ...mapped(8),
      released(0, 4096, FEW),
      released(1, 4096, FEW),
      { op: "munmap", addr: BASE, len: 16 * MIB },
    ]);
    expect(peak).toEqual([{ stack: FEW, reason: "below_table", tables: 2, kb: 8 }]);
    expect(end).toEqual([]);
  });

  test("is written as folded stacks and for speedscope, with the same weights", () => {
    const entries = [
      { stack: ["main", "a;b c"], reason: "below_table", tables: 3, kb: 12 },
      { stack: [], reason: "split_vma", tables: 1, kb: 4 },
    ];
    const folded = foldedStacks(entries).trim().split("\n");
    expect(folded[0]).toBe("main;a b c;[released in chunks smaller than the 2 MiB of a table] 12");
    expect(folded).toHaveLength(2);
    const { profiles, shared } = speedscope(entries, "x", "test");
    expect(profiles[0].weights).toEqual([12 * 1024, 4 * 1024]);
    expect(profiles[0].endValue).toBe(16 * 1024);
    for (const sample of profiles[0].samples) for (const frame of sample) expect(shared.frames[frame]).toBeDefined();
  });

  test("where a scan frees tables, that of a whole release is not said to be shared by two mappings", () => {
    const { end } = blame("async", [...mapped(2), released(0, 2 * MIB, FEW), released(1, 65536, FEW)]);
    expect(end).toEqual([{ stack: FEW, reason: "later", tables: 2, kb: 8 }]);
  });
});
