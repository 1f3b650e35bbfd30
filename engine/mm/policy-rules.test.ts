/** Rules of the policies that the reference's scripts do not reach: other processes, files, locked memory, the clock, costs. */
import { describe, expect, test } from "vitest";
import { featuresOf, type PolicyId } from "../experiment/policies.ts";
import { checkInvariants } from "./invariants.ts";
import { createKernel, type Kernel, type KernelOptions } from "./kernel.ts";
import type { Operation } from "./operation.ts";

const MIB = 2 ** 20;
const BASE = 2 ** 44;

function kernelOf(policy: PolicyId, options: Partial<KernelOptions> = {}, knobs: Record<string, number> = {}): Kernel {
  return createKernel({ features: featuresOf(policy, knobs), image: "empty", checked: true, ...options });
}

function perform(kernel: Kernel, ...operations: Operation[]): string {
  let status = "";
  for (const operation of operations) {
    ({ status } = kernel.execute(operation));
    checkInvariants(kernel.state);
  }
  return status;
}

const map = (len: number, more: object = {}): Operation => ({
  op: "mmap",
  addr: BASE,
  len,
  prot: "rw",
  backing: "anon",
  ...more,
});
const touch = (at: number, len: number, access: "r" | "w" = "w"): Operation => ({
  op: "touch",
  addr: BASE + at,
  len,
  access,
});
const advise = (advice: "dontneed" | "free" | "pageout" | "pt_reclaim", at: number, len: number): Operation => ({
  op: "madvise",
  addr: BASE + at,
  len,
  advice,
});
const tables = (kernel: Kernel, process = 0) => kernel.state.processes[process].ptes;

describe("refcount", () => {
  test("a child's tables go with the file's pages, and so do the parent's", () => {
    const kernel = kernelOf("refcount", { files: "shmem" });
    const file = map(4 * MIB, { backing: "sharedfile", file: 3, offset: 0 });
    perform(kernel, file, touch(0, 4 * MIB), { op: "fork" }, { ...touch(0, 4 * MIB), process: 1 } as Operation);
    expect([tables(kernel), tables(kernel, 1)]).toEqual([2, 2]);
    perform(kernel, { op: "truncate", file: 3, size: 2 * MIB });
    expect([tables(kernel), tables(kernel, 1)]).toEqual([1, 1]);
  });

  test("pages of MADV_FREE take their table with them when they are reclaimed, not before", () => {
    const kernel = kernelOf("refcount");
    perform(kernel, map(2 * MIB), touch(0, 2 * MIB), advise("free", 0, 2 * MIB));
    expect(tables(kernel)).toBe(1);
    perform(kernel, advise("pageout", 0, 2 * MIB));
    expect(tables(kernel)).toBe(0);
  });

  test("an exit leaves nothing", () => {
    const kernel = kernelOf("refcount");
    perform(kernel, map(4 * MIB), touch(0, 4 * MIB), { op: "fork" }, { op: "exit", process: 1 });
    expect(kernel.vmpteKb(1)).toBe(0);
  });

  test("every fault and every zap pays for an atomic", () => {
    const kernel = kernelOf("refcount");
    perform(kernel, map(2 * MIB), touch(0, 2 * MIB));
    const { atomic } = kernel.state.options.cost;
    expect(kernel.cost()).toMatchObject({ caller_ns: 512 * atomic, longest_call_ns: atomic, rebuilt_tables: 0 });
  });
});

describe("eager", () => {
  test("a part of a slot frees its table when the rest is none already, and a later fault builds it again", () => {
    const kernel = kernelOf("eager");
    perform(kernel, map(2 * MIB), touch(0, MIB), touch(MIB, MIB), advise("dontneed", 0, MIB));
    expect(tables(kernel)).toBe(1);
    perform(kernel, advise("dontneed", MIB, MIB));
    expect(tables(kernel)).toBe(0);
    perform(kernel, touch(0, 4096));
    expect(kernel.cost().rebuilt_tables).toBe(1);
    expect(kernel.cost().caller_ns).toBeGreaterThan(kernel.cost().longest_call_ns);
  });

  test("with zeroTables the zero page does not keep a table, where its memory is not locked", () => {
    const release = (options: Partial<KernelOptions>, ...first: Operation[]): number => {
      const kernel = kernelOf("eager", options);
      perform(kernel, map(2 * MIB), ...first, touch(0, MIB, "r"), touch(MIB, MIB), advise("dontneed", MIB, MIB));
      return tables(kernel);
    };
    expect(release({})).toBe(1);
    expect(release({ zeroTables: true })).toBe(0);
  });
});

describe("by the clock", () => {
  test("async frees at a scan, a piece of address space at a time, and the program's calls pay nothing", () => {
    const kernel = kernelOf("async", {}, { scan_interval: 10, scan_size: 4 * MIB });
    perform(kernel, map(8 * MIB), touch(0, 8 * MIB), advise("dontneed", 0, 8 * MIB));
    // Filling it took so long that scans have come already; what follows is counted from here.
    perform(kernel, touch(0, 8 * MIB), advise("dontneed", 0, 8 * MIB));
    const before = tables(kernel);
    perform(kernel, { op: "tick", ms: 10 });
    expect(tables(kernel)).toBe(Math.max(0, before - 2));
    perform(kernel, { op: "tick", ms: 10 }, { op: "tick", ms: 10 }, { op: "tick", ms: 10 });
    expect(tables(kernel)).toBe(0);
    expect(kernel.cost().background_ns).toBeGreaterThan(0);
  });

  test("demand frees when the lab asks, and when the program does", () => {
    const kernel = kernelOf("demand");
    perform(kernel, map(4 * MIB), touch(0, 4 * MIB), advise("dontneed", 0, 4 * MIB));
    expect(tables(kernel)).toBe(2);
    expect(perform(kernel, advise("pt_reclaim", 4096, 4 * MIB - 4096))).toBe("ok");
    expect(tables(kernel)).toBe(1);
    expect(perform(kernel, advise("pt_reclaim", 0, 8 * MIB))).toBe("ENOMEM");
    expect(tables(kernel)).toBe(0);
    perform(kernel, touch(0, 4096), advise("dontneed", 0, 4096), { op: "tick", ms: 1000 });
    expect(tables(kernel)).toBe(0);
  });

  test("who does not know MADV_PT_RECLAIM refuses it", () => {
    for (const policy of ["none", "sync", "eager", "refcount", "async"] as const) {
      const kernel = kernelOf(policy);
      perform(kernel, map(2 * MIB), touch(0, 4096), advise("dontneed", 0, 4096));
      expect(perform(kernel, advise("pt_reclaim", 0, 2 * MIB)), policy).toBe("EINVAL");
    }
  });
});

test("empty tables are counted by process", () => {
  const kernel = kernelOf("none");
  perform(kernel, map(8 * MIB), touch(0, 8 * MIB), { op: "fork" });
  perform(kernel, { ...advise("dontneed", 0, 8 * MIB), process: 1 } as Operation);
  expect([kernel.emptyPteTables(0), kernel.emptyPteTables(1)]).toEqual([0, 4]);
});
