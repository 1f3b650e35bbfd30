import { expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { createKernel } from "./kernel.ts";

const ADDR = 0x7f0000000000;
const MIB = 2 ** 20;
const KIB = 2 ** 10;

/**
 * kB of RSS that one access adds to 2 MiB that were in small pages, were advised MADV_HUGEPAGE, and were given back in such pieces.
 * On a 6.18 kernel with the series: 4 kB after pieces of 64 KiB, 2048 kB after one of 2 MiB (smaps_rollup's Anonymous; 4 kB more there,
 * of the program that asked).
 */
function addedBy(mode: "none" | "sync", piece: number): number {
  const kernel = createKernel({ features: featuresOf(mode), seed: 1, profile: { thpEnabled: "madvise" } });
  const range = { addr: ADDR, len: 2 * MIB };
  kernel.execute({ op: "mmap", addr: ADDR, len: 4 * MIB, prot: "rw", backing: "anon" });
  kernel.execute({ op: "touch", ...range, access: "w" });
  kernel.execute({ op: "madvise", addr: ADDR, len: 4 * MIB, advice: "hugepage" });
  kernel.execute({ op: "madvise", ...range, advice: "dontneed", step: piece });
  const before = kernel.rssKb();
  kernel.execute({ op: "touch", addr: ADDR, len: 4 * KIB, access: "w" });
  return kernel.rssKb() - before;
}

test("where a table has gone the next access gets a huge page, where an empty one stays a small page", () => {
  expect(addedBy("sync", 2 * MIB)).toBe(2048);
  expect(addedBy("sync", 64 * KIB)).toBe(4);
  expect(addedBy("none", 2 * MIB)).toBe(4);
});
