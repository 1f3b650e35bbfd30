/** Calls of traces that failed: what of them is done again. Every outcome is what Linux 6.18 left behind. */

import { describe, expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { createKernel } from "./kernel.ts";
import type { Operation } from "./operation.ts";

const PAGE = 4096;
const MIB = 2 ** 20;
const BASE = 2 ** 44;

/** Two mappings of 2 MiB with different access side by side, then a hole. */
function machine(second: "r" | "none" = "none") {
  const kernel = createKernel({ features: featuresOf("sync"), image: "empty" });
  const run = (operation: Operation) => kernel.execute(operation).status;
  run({ op: "mmap", addr: BASE, len: 2 * MIB, prot: "rw", backing: "anon" });
  run({ op: "mmap", addr: BASE + 2 * MIB, len: 2 * MIB, prot: second, backing: "anon" });
  const shape = () => kernel.state.processes[0].vmas.list.map((vma) => [vma.start - BASE / PAGE, vma.flags & 0x2f]);
  const signals = (addr: number) => kernel.execute({ op: "touch", addr, len: PAGE, access: "r" }).segv;
  return { run, shape, signals, kb: () => kernel.vmpteKb(), before: shape() };
}

describe("where this machine has the same reason, the call goes as far", () => {
  test("mprotect up to a hole", () => {
    const { run, shape } = machine();
    expect(run({ op: "mprotect", addr: BASE, len: 8 * MIB, prot: "r", answered: "ENOMEM" })).toBe("ENOMEM");
    expect(shape()).toEqual([[0, 1]]);
  });

  test("mlock locks all up to a hole and populates up to memory that must not be accessed", () => {
    const { run, shape, kb } = machine();
    expect(run({ op: "mlock", addr: BASE + MIB, len: 3 * MIB, answered: "ENOMEM" })).toBe("ENOMEM");
    expect(shape()).toEqual([
      [0, 3],
      [256, 0x23],
      [512, 0x20],
    ]);
    expect(kb()).toBe(12);
  });

  test("mlock stops at a guard marker, and at the end of the file", () => {
    const { run, shape } = machine("r");
    run({ op: "madvise", addr: BASE, len: PAGE, advice: "guard_install" });
    expect(run({ op: "mlock", addr: BASE, len: PAGE, answered: "ENOMEM" })).toBe("ENOMEM");
    expect(shape()[0]).toEqual([0, 0x23]);
    run({ op: "mmap", addr: BASE, len: PAGE, prot: "rw", backing: "shared" });
    run({ op: "mremap", addr: BASE, len: PAGE, newLen: 2 * PAGE, to: BASE + 16 * MIB });
    expect(run({ op: "mlock", addr: BASE + 16 * MIB, len: 2 * PAGE, answered: "ENOMEM" })).toBe("ENOMEM");
    expect(shape().at(-1)).toEqual([4096, 0x2b]);
  });

  test("populating up to a mapping that must not be written, guards up to a locked one", () => {
    const { run, signals, kb } = machine("r");
    const both = { op: "madvise", addr: BASE, len: 4 * MIB, answered: "EINVAL" } as const;
    expect(run({ ...both, advice: "populate_write" })).toBe("EINVAL");
    expect(kb()).toBe(12);
    run({ op: "mlock", addr: BASE + 2 * MIB, len: 2 * MIB, onFault: true });
    run({ op: "munmap", addr: BASE, len: 2 * MIB });
    run({ op: "mmap", addr: BASE, len: 2 * MIB, prot: "rw", backing: "anon" });
    expect(run({ ...both, advice: "guard_install" })).toBe("EINVAL");
    expect(signals(BASE)).toBe(1);
    expect(kb()).toBe(12);
  });
});

describe("where it has none, nothing is done", () => {
  const cases: Operation[] = [
    { op: "mprotect", addr: BASE, len: 4 * MIB, prot: "r", answered: "ENOMEM" },
    { op: "mlock", addr: BASE, len: 2 * MIB, answered: "ENOMEM" },
    { op: "madvise", addr: BASE, len: 2 * MIB, advice: "populate_write", answered: "EINVAL" },
    { op: "madvise", addr: BASE, len: 4 * MIB, advice: "hugepage", answered: "EINVAL" },
    { op: "madvise", addr: BASE, len: 4 * MIB, advice: "guard_install", answered: "EINVAL" },
  ];
  test.each(cases.map((operation) => [JSON.stringify(operation), operation] as const))("%s", (_, operation) => {
    const { run, shape, kb, before } = machine();
    expect(run(operation)).toBe((operation as { answered?: string }).answered);
    expect(shape()).toEqual(before);
    expect(kb()).toBe(0);
  });
});

test("MAP_STACK makes no stack but keeps huge pages away", () => {
  const { run, kb } = machine();
  run({ op: "mmap", addr: BASE, len: 4 * MIB, prot: "rw", backing: "anon", flags: ["stack"] });
  run({ op: "madvise", addr: BASE + 2 * MIB, len: 2 * MIB, advice: "hugepage" });
  const faults = (addr: number, len: number) => run({ op: "touch", addr, len, access: "w" });
  faults(BASE + PAGE, PAGE);
  expect(run({ op: "madvise", addr: BASE, len: 2 * MIB, advice: "collapse" })).toBe("EINVAL");
  expect(run({ op: "madvise", addr: BASE + 2 * MIB, len: 2 * MIB, advice: "collapse" })).toBe("EINVAL");
  faults(BASE - PAGE, PAGE);
  expect(kb()).toBe(12);
});

test("a collapse that failed is done again for memory without a file of a file system only", () => {
  for (const [backing, kb, shmem] of [
    ["file", 12, false],
    ["sharedfile", 12, false],
    ["shared", 8, false],
    ["file", 8, true],
    ["sharedfile", 8, true],
  ] as const) {
    const kernel = createKernel({ features: featuresOf("sync"), image: "empty", files: "disk" });
    const prot = backing === "file" ? "r" : "rw";
    kernel.execute({ op: "mmap", addr: BASE, len: 2 * MIB, prot, backing, shmem });
    kernel.execute({ op: "touch", addr: BASE, len: 2 * MIB, access: "r" });
    kernel.execute({ op: "madvise", addr: BASE, len: 2 * MIB, advice: "collapse", answered: "EINVAL" });
    expect(kernel.vmpteKb()).toBe(kb);
  }
});
