import { expect, test } from "vitest";
import type { Operation } from "../operation.ts";
import { ImportReport, importOperations } from "./index.ts";

const LINES = [
  "perf-exec 0/0 0.000000000: PERF_RECORD_COMM: perf-exec:7/7",
  "app 7/7 3436.111131146: PERF_RECORD_COMM exec: app:7/7",
  "app 7/7 3436.111161561: PERF_RECORD_MMAP2 7/7: [0x7f0000000000(0x1000000) @ 0 00:00 0 0]: rw-p //anon",
  "app 7/7 3436.111171561: syscalls:sys_exit_execve: 0x0",
  "app 7/7 3436.111181561: exceptions:page_fault_user: address=0x7f0000000000 ip=0x401000 error_code=0x6",
  "",
];

test("the program's clock begins with the program: a record that perf made up at 0 is not its start", async () => {
  async function* source(): AsyncGenerator<string> {
    yield LINES.join("\n");
  }
  const operations: Operation[] = [];
  for await (const batch of importOperations(source(), { format: "perf-script", pid: 7 }, new ImportReport()))
    operations.push(...batch);
  expect(operations.length).toBeGreaterThan(1);
  expect(Math.max(...operations.map(({ at }) => at ?? 0))).toBe(50_415);
});
