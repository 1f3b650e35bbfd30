/** Limits and refusals of system calls, and what is left when one fails half-way. */
import { describe, expect, test } from "vitest";
import type { Operation } from "../workload/operation.ts";
import { createKernel } from "./kernel.ts";

const PAGE = 4096;
const MIB = 2 ** 20;
const BASE = 2 ** 44;

/** A kernel that allows `limit` VMAs, with one mapping of 64 pages. */
function limited(limit: number) {
  const kernel = createKernel({ mode: "sync", image: "empty", maxMapCount: limit });
  const run = (operation: Operation) => kernel.execute(operation).status;
  run({ op: "mmap", addr: BASE, len: 64 * PAGE, prot: "rw", backing: "anon" });
  return { kernel, run, vmas: () => kernel.state.processes[0].vmas.count };
}

describe("vm.max_map_count", () => {
  test("a split beyond it fails: ENOMEM of mprotect, EAGAIN of madvise", () => {
    const { run, vmas } = limited(3);
    expect(run({ op: "mprotect", addr: BASE + 8 * PAGE, len: PAGE, prot: "none" })).toBe("ok");
    expect(vmas()).toBe(3);
    expect(run({ op: "mprotect", addr: BASE + 16 * PAGE, len: PAGE, prot: "none" })).toBe("ENOMEM");
    expect(run({ op: "madvise", addr: BASE + 16 * PAGE, len: PAGE, advice: "dontfork" })).toBe("EAGAIN");
    expect(run({ op: "mlock", addr: BASE + 16 * PAGE, len: PAGE })).toBe("ENOMEM");
    expect(vmas()).toBe(3);
  });

  test("munmap of the middle of a VMA fails at the limit, of its end does not", () => {
    const { run, vmas } = limited(1);
    expect(run({ op: "munmap", addr: BASE + PAGE, len: PAGE })).toBe("ENOMEM");
    expect(run({ op: "munmap", addr: BASE + 63 * PAGE, len: PAGE })).toBe("ok");
    expect(vmas()).toBe(1);
  });

  test("mremap wants room for its splits", () => {
    const { run } = limited(7);
    expect(run({ op: "mremap", addr: BASE, len: PAGE, to: BASE + MIB })).toBe("ok");
    expect(run({ op: "mremap", addr: BASE + PAGE, len: PAGE, to: BASE + 2 * MIB })).toBe("ENOMEM");
  });

  test("mmap may go one beyond it", () => {
    const { run } = limited(1);
    const map = (at: number) => run({ op: "mmap", addr: BASE + at, len: PAGE, prot: "r", backing: "anon" });
    expect([map(MIB), map(2 * MIB)]).toEqual(["ok", "ENOMEM"]);
  });
});

describe("addresses and lengths that system calls refuse", () => {
  const cases: [operation: Operation, status: string][] = [
    [{ op: "mmap", addr: BASE + 1, len: PAGE, prot: "rw", backing: "anon" }, "EINVAL"],
    [{ op: "mmap", addr: BASE, len: 0, prot: "rw", backing: "anon" }, "EINVAL"],
    [{ op: "mmap", addr: 2 ** 47 - PAGE, len: PAGE, prot: "rw", backing: "anon" }, "ENOMEM"],
    [{ op: "munmap", addr: BASE + 1, len: PAGE }, "EINVAL"],
    [{ op: "munmap", addr: BASE, len: 0 }, "EINVAL"],
    [{ op: "munmap", addr: 2 ** 47, len: PAGE }, "EINVAL"],
    [{ op: "madvise", addr: BASE + 1, len: PAGE, advice: "dontneed" }, "EINVAL"],
    [{ op: "madvise", addr: BASE, len: 0, advice: "dontneed" }, "ok"],
    [{ op: "madvise", addr: BASE + MIB, len: PAGE, advice: "dontneed" }, "ENOMEM"],
    [{ op: "mprotect", addr: BASE + 1, len: PAGE, prot: "r" }, "EINVAL"],
    [{ op: "mprotect", addr: BASE + MIB, len: PAGE, prot: "r" }, "ENOMEM"],
    [{ op: "mremap", addr: BASE, len: PAGE, newLen: 0 }, "EINVAL"],
    [{ op: "mremap", addr: BASE, len: 64 * PAGE, to: BASE + PAGE }, "EINVAL"],
    [{ op: "mremap", addr: BASE + MIB, len: PAGE, to: BASE + 2 * MIB }, "EFAULT"],
    [{ op: "mremap", addr: BASE, len: 65 * PAGE, newLen: 66 * PAGE }, "EFAULT"],
    [{ op: "uffd", action: "register", addr: BASE + MIB, len: PAGE }, "EINVAL"],
    [{ op: "uffd", action: "wp", addr: BASE, len: PAGE }, "ENOENT"],
    [{ op: "exit" }, "ENOENT"],
  ];
  for (const [operation, status] of cases) {
    test(`${JSON.stringify(operation)}: ${status}`, () => {
      expect(limited(1000).run(operation)).toBe(status);
    });
  }

  test("an operation on a process that was never forked says so", () => {
    const { kernel } = limited(1000);
    expect(() => kernel.execute({ op: "touch", process: 3, addr: BASE, len: PAGE, access: "r" })).toThrow(
      /process 3 was never forked/,
    );
  });
});

describe("five levels", () => {
  test("memory above 2^47 costs PUD, PMD and PTE tables; the P4D table is not counted", () => {
    const kernel = createKernel({ mode: "sync", image: "empty", config: { levels: 5 } });
    const addr = 2 ** 55;
    kernel.execute({ op: "mmap", addr, len: 2 * MIB, prot: "rw", backing: "anon" });
    kernel.execute({ op: "touch", addr, len: PAGE, access: "w" });
    expect(kernel.vmpteKb()).toBe(12);
    kernel.execute({ op: "munmap", addr, len: 2 * MIB });
    expect(kernel.vmpteKb()).toBe(0);
    kernel.execute({ op: "tick", ms: 100 });
    expect(kernel.state.stats.tablesAllocated).toBe(4);
    expect(kernel.state.stats.tablesFreed).toBe(4);
  });
});
