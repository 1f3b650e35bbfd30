import { describe, expect, test } from "vitest";
import type { Machine } from "../experiment/machine.ts";
import { createKernel } from "../mm/kernel.ts";
import { allocatorsOf } from "./allocator-settings.ts";
import type { Operation } from "./operation.ts";
import { type AdviceTally, tallying } from "./tally.ts";
import { averageVmpteKb, type Verdict, type VerdictRun, verdictOf } from "./verdict.ts";

const MIB = 2 ** 20;
const BASE = 2 ** 44;

function drive(machine: Machine, operations: readonly Operation[]): VerdictRun {
  let peak = 0;
  let sum = 0;
  for (const operation of operations) {
    machine.execute(operation);
    peak = Math.max(peak, machine.vmpteKb());
    sum += machine.vmpteKb();
  }
  return {
    averageKb: sum / operations.length,
    summary: {
      operations: operations.length,
      wall_ms: 0,
      final: {
        vmpte_kb: machine.vmpteKb(),
        pte_tables: 0,
        pmd_tables: 0,
        pud_tables: 0,
        empty_pte_tables: 0,
        rss_kb: 0,
        virt_kb: 0,
      },
      peak: { vmpte_kb: peak, rss_kb: 0 },
      reclaimed_pte_tables: 0,
      slow_path: 0,
      declined: null,
    },
  };
}

function judge(operations: readonly Operation[]): { verdict: Verdict; tally: AdviceTally } {
  const machine = tallying(createKernel({ mode: "sync" }));
  const sync = drive(machine, operations);
  const none = drive(createKernel({ mode: "none" }), operations);
  const tally = machine.tally();
  return { tally, verdict: verdictOf({ sync, none, tally, allocators: ["jemalloc"] }) };
}

const MAPPED: readonly Operation[] = [
  { op: "mmap", addr: BASE, len: 64 * MIB, prot: "rw", backing: "anon" },
  { op: "touch", addr: BASE, len: 64 * MIB, access: "w" },
];

function dontneed(from: number, len: number): Operation {
  return { op: "madvise", addr: BASE + from, len, advice: "dontneed" };
}

/** The outcomes that happened: calls and MiB. */
function happened(tally: AdviceTally): Record<string, [number, number]> {
  const entries = Object.entries(tally.outcomes).filter(([, { calls, bytes }]) => calls + bytes > 0);
  return Object.fromEntries(entries.map(([name, { calls, bytes }]) => [name, [calls, bytes / MIB]]));
}

describe("tally", () => {
  test("every byte of a release is accounted for, by what it did", () => {
    const { tally } = judge([
      ...MAPPED,
      dontneed(0, 4 * MIB),
      dontneed(0, 2 * MIB),
      dontneed(5 * MIB, 6 * MIB),
      dontneed(13 * MIB, 2 * MIB),
      dontneed(20 * MIB, MIB),
      { op: "mprotect", addr: BASE + 30 * MIB, len: MIB, prot: "r" },
      dontneed(30 * MIB, 2 * MIB),
    ]);
    expect(happened(tally)).toEqual({
      reclaimed: [2, 8],
      nothing_there: [1, 2],
      unaligned: [1, 4],
      below_2mib: [1, 1],
      split_vma: [1, 2],
    });
    expect(tally.dontneed).toEqual({ calls: 6, bytes: 17 * MIB });
    expect(tally.sizes).toEqual([0, 1, 3, 2]);
  });

  test("MADV_FREE and munmap are counted apart", () => {
    const { tally } = judge([
      ...MAPPED,
      { op: "madvise", addr: BASE, len: 4 * MIB, advice: "free" },
      { op: "munmap", addr: BASE, len: 8 * MIB },
    ]);
    expect(tally.otherAdvice.free).toEqual({ calls: 1, bytes: 4 * MIB });
    expect(tally.munmap).toEqual({ calls: 1, bytes: 8 * MIB });
    expect(tally.dontneed.calls).toBe(0);
  });
});

describe("verdict", () => {
  test("whole tables given back: it helps, by how much", () => {
    const { verdict } = judge([...MAPPED, dontneed(0, 64 * MIB), ...Array<Operation>(8).fill(dontneed(0, 4096))]);
    expect(verdict.helps).toBe("yes");
    expect(verdict.headline).toMatch(/^It would help: on average VmPTE is \d+ kB instead of \d+ kB \(\d+ % less\)/);
    expect(verdict.vmpte.end.saved_kb).toBe(32 * 4);
  });

  test("small pieces: it would not help, and why, and what would", () => {
    const pieces = Array.from({ length: 256 }, (_, i) => dontneed(i * 65536, 65536));
    const { verdict } = judge([...MAPPED, ...pieces]);
    expect(verdict.helps).toBe("no");
    expect(verdict.headline).toContain(
      "because 100 % of what it gives back went in pieces smaller than the 2 MiB of a table",
    );
    expect(verdict.vmpte.end.saved_kb).toBe(0);
    expect(verdict.settings.length).toBeGreaterThan(0);
    for (const { allocator, obstacle, source } of verdict.settings) {
      expect([allocator, obstacle]).toEqual(["jemalloc", "small_pieces"]);
      expect(source.reference).toMatch(/^https:/);
    }
  });

  test("a program that never gives back, unmaps, or uses MADV_FREE is told so", () => {
    expect(judge(MAPPED).verdict.headline).toContain("never gives memory back");
    expect(judge([...MAPPED, { op: "munmap", addr: BASE, len: MIB }]).verdict.headline).toContain("it unmaps");
    const free: Operation = { op: "madvise", addr: BASE, len: 4 * MIB, advice: "free" };
    expect(judge([...MAPPED, free]).verdict.headline).toContain("MADV_FREE");
  });

  test("allocators are recognised by their names", () => {
    expect(allocatorsOf(["libc.so.6", "libjemalloc.so.2", "[stack]"])).toEqual(["jemalloc"]);
    expect(allocatorsOf(["libc.so.6"])).toEqual(["glibc"]);
    expect(allocatorsOf([])).toEqual([]);
  });

  test("the average weighs each sample by the operations up to the next", () => {
    const row = (operations: number, kb: number): Float64Array => {
      const out = new Float64Array(28);
      out[1] = operations;
      out[3] = kb;
      return out;
    };
    expect(averageVmpteKb([row(0, 10), row(10, 100), row(100, 0)])).toBe((10 * 10 + 90 * 100) / 100);
    expect(averageVmpteKb([])).toBe(0);
  });
});
