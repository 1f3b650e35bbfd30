import { expect, test } from "vitest";
import type { Operation } from "../operation.ts";
import { ImportReport, importOperations } from "./index.ts";
import { timeless } from "./timeless.testing.ts";

async function read(...lines: readonly string[]): Promise<{ operations: Operation[]; report: ImportReport }> {
  const report = new ImportReport();
  async function* source(): AsyncGenerator<string> {
    yield `${lines.join("\n")}\n`;
  }
  const operations: Operation[] = [];
  for await (const batch of importOperations(source(), { pid: 10 }, report)) operations.push(...timeless(batch));
  return { operations, report };
}

const MMAP = { op: "mmap", addr: 0x7fb400000000, len: 0x4000000, prot: "rw", backing: "anon" } as const;
const MADVISE = { op: "madvise", addr: 0x7fb400000000, len: 0x200000, advice: "dontneed" } as const;

test("perf script: calls by their number, hexadecimal arguments, decimal results, negative ones failed", async () => {
  const { operations, report } = await read(
    "app 10/10 1.000000001: raw_syscalls:sys_enter: NR 9 (0, 4000000, 3, 22, ffffffff, 0)",
    `app 10/10 1.000000002: raw_syscalls:sys_exit: NR 9 = ${0x7fb400000000}`,
    "app 10/10 1.000000003: raw_syscalls:sys_enter: NR 28 (7fb400000000, 200000, 4, 0, 0, 0)",
    "app 10/10 1.000000004: raw_syscalls:sys_exit: NR 28 = 0",
    "app 10/10 1.000000005: raw_syscalls:sys_enter: NR 11 (7fb400000000, 200000, 0, 0, 0, 0)",
    "app 10/10 1.000000006: raw_syscalls:sys_exit: NR 11 = -22",
    "app 10/10 1.000000007: raw_syscalls:sys_enter: NR 1 (1, 7fb400000000, 5, 0, 0, 0)",
    "app 10/10 1.000000008: raw_syscalls:sys_exit: NR 1 = 5",
  );
  expect(operations).toEqual([{ op: "exec" }, MMAP, MADVISE]);
  expect(report.problems()).toMatchObject([{ kind: "unknown_event", count: 2 }]);
});

test("tracefs: the same text after its own head", async () => {
  const head = "app-10      (     10) [000] .....  1740.02634";
  const { operations, report } = await read(
    `${head}1: sys_enter: NR 9 (0, 4000000, 3, 22, ffffffff, 0)`,
    `${head}2: sys_exit: NR 9 = ${0x7fb400000000}`,
    `${head}3: sys_enter: NR 28 (7fb400000000, 200000, 4, 0, 0, 0)`,
    `${head}4: sys_exit: NR 28 = 0`,
  );
  expect(operations).toEqual([{ op: "exec" }, MMAP, MADVISE]);
  expect(report.problems()).toEqual([]);
});

test.each(["NR", "NR x (0)", "NR 9 0, 1", "NR 9"])(
  "sys_enter: %s is not understood, and no operation",
  async (text) => {
    const { operations, report } = await read(
      "app 10/10 1.000000001: PERF_RECORD_COMM exec: app:10/10",
      `app 10/10 1.000000002: raw_syscalls:sys_enter: ${text}`,
    );
    expect(operations).toEqual([{ op: "exec" }]);
    expect(report.problems().length).toBe(1);
  },
);
