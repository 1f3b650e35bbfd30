/** Limits and refusals of system calls, and what is left when one fails half-way. */

import { describe, expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { Conformance } from "../workload/conform.ts";
import { createKernel } from "./kernel.ts";
import type { Operation } from "./operation.ts";

const PAGE = 4096;
const MIB = 2 ** 20;
const BASE = 2 ** 44;

/** A kernel that allows `limit` VMAs, with one mapping of 64 pages. */
function limited(limit: number) {
  const kernel = createKernel({ features: featuresOf("sync"), image: "empty", profile: { maxMapCount: limit } });
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
    // Lengths beyond user space are no lengths; what is cut off is unmapped by munmap's rules.
    [{ op: "mremap", addr: BASE, len: PAGE, newLen: 2 ** 47, mayMove: true }, "EINVAL"],
    [{ op: "mremap", addr: BASE, len: PAGE, newLen: 2 ** 47 - PAGE, mayMove: true }, "ENOMEM"],
    [{ op: "mremap", addr: BASE, len: 2 ** 47 - BASE, newLen: 2 ** 47 - BASE - PAGE }, "EINVAL"],
    [{ op: "mremap", addr: BASE, len: 2 ** 47 - BASE - PAGE, newLen: PAGE }, "ok"],
    // Only private anonymous memory grows downwards.
    [{ op: "mmap", addr: BASE, len: PAGE, prot: "rw", backing: "anon", flags: ["growsdown"] }, "ok"],
    [{ op: "mmap", addr: BASE, len: PAGE, prot: "rw", backing: "shared", flags: ["growsdown"] }, "EINVAL"],
    [{ op: "mmap", addr: BASE, len: PAGE, prot: "rw", backing: "file", file: 0, flags: ["growsdown"] }, "EINVAL"],
    // process_madvise looks at the range (access_ok) before it looks at the process.
    [{ op: "madvise", via: "self", addr: 2 ** 47 - PAGE, len: PAGE, advice: "dontneed" }, "EFAULT"],
    [{ op: "madvise", via: 9, addr: 2 ** 47 - PAGE, len: PAGE, advice: "dontneed" }, "EFAULT"],
    [{ op: "madvise", via: 9, addr: BASE, len: PAGE, advice: "dontneed" }, "ESRCH"],
    [{ op: "uffd", action: "register", addr: BASE + MIB, len: PAGE }, "EINVAL"],
    [{ op: "uffd", action: "wp", addr: BASE, len: PAGE }, "ENOENT"],
    [{ op: "exit" }, "ESRCH"],
  ];
  for (const [operation, status] of cases) {
    test(`${JSON.stringify(operation)}: ${status}`, () => {
      expect(limited(1000).run(operation)).toBe(status);
    });
  }

  test("process_madvise takes 2 GiB less a page of a range, MAX_RW_COUNT", () => {
    const conformance = new Conformance("sync");
    const perform = (line: string) => conformance.perform(line, "test:1").status;
    expect(["map 0 4G", "pdontneed 0 2G-4K", "pdontneed 0 4G"].map(perform)).toEqual([
      "ok",
      "ok=2147479552",
      "ok=2147479552",
    ]);
    expect(["touch 2G-4K 8K", "pdontneed 0 4G", "vmas list"].map(perform).at(-1)).toBe("vmas=1 0-100000:rwp");
    // Both pages lie beyond it, so their tables and all above are there still.
    expect(conformance.kernel.vmpteKb()).toBe(20);
  });

  test("a mapping of both hugepage and nohugepage gets one advice after the other", () => {
    const conformance = new Conformance("sync");
    const perform = (line: string) => conformance.perform(line, "test:1").status;
    perform("map 2M 2M rw hugepage nohugepage");
    perform("map 0 2M rw nohugepage");
    expect(perform("vmas list")).toBe("vmas=1 0-400:rwp");
  });

  test("an operation on a process that was never forked says so", () => {
    const { kernel } = limited(1000);
    expect(() => kernel.execute({ op: "touch", process: 3, addr: BASE, len: PAGE, access: "r" })).toThrow(
      /process 3 was never forked/,
    );
  });
});

describe("five levels", () => {
  test("memory above 2^47 costs PUD, PMD and PTE tables; the P4D table is not counted", () => {
    const kernel = createKernel({ features: featuresOf("sync"), image: "empty", config: { levels: 5 } });
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

describe("every call near vm.max_map_count, as Linux 6.18 answered it at its 65530", () => {
  // Answers with 9 VMAs less than the limit, 8, ... and one more: . ok, M ENOMEM, A EAGAIN.
  const measured: [line: string, answers: string][] = [
    ["protect 1010P 1P none", "........MMM"],
    ["protect 1000P 1P none", ".........MM"],
    ["protect 1000P 64P none", "..........."],
    ["dontfork 1010P 1P", "........AAA"],
    ["dontfork 1000P 1P", ".........AA"],
    ["mlock 1010P 1P", "........MMM"],
    ["mlock 1000P 1P", ".........MM"],
    ["unmap 1010P 1P", ".........MM"],
    ["unmap 1000P 1P", "..........."],
    ["unmap 998P 1P", "..........."],
    ["mremap 1010P 1P 1500P", "....MMMMMMM"],
    ["mremap 1000P 1P 1500P", "....MMMMMMM"],
    ["mremap 1000P 64P 1500P", "....MMMMMMM"],
    ["mremap_du 1010P 1P 1500P", "....MMMMMMM"],
    ["mremap_du 1000P 64P 1500P", "....MMMMMMM"],
    ["mremap 1000P 4P 1500P 2P", "....MMMMMMM"],
    ["resize 1000P 64P 80P", "..........."],
    ["resize 1010P 1P 2P", "MMMMMMMMMMM"],
    ["resize 1000P 10P 5P", ".........MM"],
    ["resize 1000P 64P 5P", "..........."],
    ["map 1010P 1P ro", ".........MM"],
    ["map 1000P 1P ro", "..........M"],
    ["map 1000P 64P ro", "..........M"],
    ["map 1064P 2P", "..........M"],
    ["map 1100P 2P", "..........M"],
    ["map 1100P 2P hugepage", "..........M"],
    ["map 1100P 2P locked", "..........M"],
    ["uffdwp 1010P 1P reg", "........MMM"],
    ["uffdwp 1000P 1P reg", ".........MM"],
    ["guard_install 1010P 1P", "..........."],
  ];
  const LIMIT = 40;
  const LETTERS: Record<string, string> = { ok: ".", ENOMEM: "M", EAGAIN: "A" };

  /** The answer with `vmas` VMAs, one of them 64 pages at page 1000 with room around it. */
  function answer(line: string, vmas: number): string {
    const conformance = new Conformance("sync", { profile: { maxMapCount: LIMIT } });
    const perform = (text: string) => conformance.perform(text, line).status;
    for (let i = 1; i < vmas; i++) expect(perform(`map ${2 * i}P 1P`)).toBe("ok");
    expect(perform("map 1000P 64P")).toBe("ok");
    const status = perform(line);
    return LETTERS[status] ?? status;
  }

  test.each(measured)("%s", (line, answers) => {
    const got = [...answers].map((_, i) => answer(line, LIMIT - 9 + i));
    expect(got.join("")).toBe(answers);
  });
});

test("a heap grows to a page below the next mapping, and keeps the guard gap below a stack: as measured on Linux 6.18", () => {
  const most = (pages: number, flags: readonly ["growsdown"] | readonly []) => {
    const kernel = createKernel({ features: featuresOf("sync"), image: "empty" });
    kernel.execute({ op: "brk", addr: BASE });
    kernel.execute({ op: "mmap", addr: BASE + pages * PAGE, len: PAGE, prot: "rw", backing: "anon", flags });
    for (let grow = pages; grow >= 0; grow--)
      if (kernel.execute({ op: "brk", addr: BASE + grow * PAGE }).status === "ok") return grow;
    return -1;
  };
  expect(most(16, [])).toBe(15);
  expect(most(300, ["growsdown"])).toBe(43);
});
