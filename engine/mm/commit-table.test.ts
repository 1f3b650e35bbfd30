import { describe, expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import type { Mode } from "../experiment/types.ts";
import { createKernel } from "./kernel.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** The series' own experiment: touch and MADV_DONTNEED 2 MiB at a time through `size` bytes. */
function commitTable(mode: Mode, size: number) {
  const kernel = createKernel({ features: featuresOf(mode) });
  const own = kernel.vmpteKb();
  const mapped = kernel.execute({
    op: "mmap",
    addr: 0,
    len: size,
    prot: "rw",
    backing: "anon",
    flags: ["anywhere"],
  });
  const base = mapped.value;
  let peak = 0;
  for (let at = base; at < base + size; at += 2 * MIB) {
    kernel.execute({ op: "touch", addr: at, len: 2 * MIB, access: "w" });
    peak = Math.max(peak, kernel.vmpteKb());
    kernel.execute({
      op: "madvise",
      addr: at,
      len: 2 * MIB,
      advice: "dontneed",
    });
  }
  return { kernel, own, peak };
}

describe("the series' own experiment", () => {
  test("a small process has 40 kB of tables", () => {
    expect(createKernel({ features: featuresOf("sync") }).vmpteKb()).toBe(40);
  });

  test("with the series 50 GB end at 240 kB, every table reclaimed on the fast path", () => {
    const { kernel, peak } = commitTable("sync", 50 * GIB);
    expect(kernel.vmpteKb()).toBe(240);
    expect(peak).toBe(244);
    expect(kernel.reclaimedPteTables).toBe(25600);
    expect(kernel.slowPathReclaims).toBe(0);
  });

  test("without it they end at 102640 kB", () => {
    const { kernel } = commitTable("none", 50 * GIB);
    expect(kernel.vmpteKb()).toBe(102640);
    expect(kernel.reclaimedPteTables).toBe(0);
  });
});

describe("options that no kernel can have", () => {
  test("sync needs x86_64 and SMP, and the message says so", () => {
    expect(() => createKernel({ features: featuresOf("sync"), config: { arch: "i386" } })).toThrow(
      /i386 does not select/,
    );
    expect(() => createKernel({ features: featuresOf("sync"), config: { smp: false } })).toThrow(/needs SMP/);
  });
});
