import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Machine } from "../experiment/machine.ts";
import { featuresOf } from "../experiment/policies.ts";
import type { Mode } from "../experiment/types.ts";
import { createKernel } from "../mm/kernel.ts";
import { type CheckResult, checkTrace } from "./check.ts";
import { ImportReport, type TextSource } from "./import/index.ts";
import { readMeasured } from "./measured.ts";
import { traceKernel } from "./trace-kernel.ts";

function file(name: string): TextSource {
  const stream = createReadStream(new URL(`testdata/traces/${name}`, import.meta.url));
  return name.endsWith(".gz") ? stream.pipe(createGunzip()) : stream;
}

async function* text(...lines: readonly string[]): AsyncGenerator<string> {
  yield `${lines.join("\n")}\n`;
}

async function checkReal(name: string, mode: Mode): Promise<CheckResult> {
  const report = new ImportReport();
  const measured = await readMeasured(file(`${name}/vmpte.txt`), report);
  const machine = createKernel({ features: featuresOf(mode), ...traceKernel() });
  const { result } = await checkTrace({ trace: file(`${name}/events.txt.gz`), measured, machine, report });
  expect(report.problems()).toEqual([]);
  return result;
}

describe("real programs on a kernel that reclaims", () => {
  const samples = {
    "glibc-churn": 48,
    "jemalloc-sparse": 48,
    python3: 137,
    // Random mmap, mremap, mprotect and madvise calls of every kind.
    "random-calls": 956,
    "redis-default": 328,
    "tcmalloc-churn": 67,
  } as const;

  test.each(Object.entries(samples))("%s: every measured VmPTE is what the model says", async (name, count) => {
    const result = await checkReal(name, "sync");
    expect(result).toMatchObject({ samples: count, explained: count, max_error_kb: 0, lost: 0 });
    expect(result.zero_width).toBeGreaterThan(0);
    expect(result.zero_width_exact).toBe(result.zero_width);
  });

  test.each([
    ["jemalloc-sparse", 24],
    ["tcmalloc-churn", 33],
    ["redis-default", 327],
  ] as const)("%s: a kernel without reclaim does not explain it", async (name, atMost) => {
    const result = await checkReal(name, "none");
    expect(result.explained).toBeLessThanOrEqual(atMost);
    expect(result.max_error_kb).toBeGreaterThan(0);
  });
});

describe("windows", () => {
  /** VmPTE is 4 kB a page touched and not given back. */
  function pages(): Machine {
    const held = new Set<number>();
    return {
      execute(operation) {
        if (operation.op === "touch") held.add(operation.addr);
        if (operation.op === "madvise") held.clear();
        if (operation.op === "exec") held.clear();
      },
      sampleInto() {},
      vmpteKb: () => held.size * 4,
      rssKb: () => 0,
    };
  }

  const TRACE = [
    "app 10/10 1.000000000: PERF_RECORD_COMM exec: app:10/10",
    "app 10/10 1.000001000: PERF_RECORD_MMAP2 10/10: [0x7f0000000000(0x1000000) @ 0x7f0000000000 00:00 0 0]: rw-p //anon",
    "app 10/10 1.000002000: syscalls:sys_exit_execve: 0x0",
    "app 10/10 1.000010000: exceptions:page_fault_user: address=0x7f0000000000 ip=0x401000 error_code=0x6",
    "app 10/10 1.000020000: exceptions:page_fault_user: address=0x7f0000001000 ip=0x401000 error_code=0x6",
    "app 10/11 1.000025000: syscalls:sys_enter_munlock: start: 0x7f0000000000, len: 0x1000",
    "app 10/11 1.000026000: syscalls:sys_exit_munlock: 0x0",
    "app 10/10 1.000030000: syscalls:sys_enter_madvise: start: 0x7f0000000000, len_in: 0x1000000, behavior: 0x4",
    "app 10/10 1.000040000: syscalls:sys_exit_madvise: 0x0",
    "app 10/10 1.000050000: syscalls:sys_enter_munlock: start: 0x7f0000000000, len: 0x1000",
    "app 10/10 1.000051000: syscalls:sys_exit_munlock: 0x0",
  ];

  async function at(fromUs: number, toUs: number, kb: number): Promise<[explained: number, zeroWidth: number]> {
    const time = (us: number): string => `1.${String(us).padStart(6, "0")}000`;
    const report = new ImportReport();
    const measured = await readMeasured(text("# pid 10", `${time(fromUs)} ${kb} 0 1 ${time(toUs)}`), report);
    const { result } = await checkTrace({ trace: text(...TRACE), measured, machine: pages(), report });
    expect(result.samples).toBe(1);
    return [result.explained, result.zero_width];
  }

  test("nothing in flight: the value must be equal", async () => {
    expect(await at(45, 47, 0)).toEqual([1, 1]);
    expect(await at(45, 47, 4)).toEqual([0, 1]);
  });

  test("a fault is in flight until its thread does something else", async () => {
    expect(await at(22, 23, 4)).toEqual([1, 0]);
    expect(await at(22, 23, 8)).toEqual([1, 0]);
    expect(await at(22, 23, 0)).toEqual([0, 0]);
    expect(await at(12, 18, 0)).toEqual([1, 0]);
    // Another thread's call says nothing about it.
    expect(await at(27, 28, 4)).toEqual([1, 0]);
  });

  test("a call may have acted from its begin on, and has at its end", async () => {
    expect(await at(32, 33, 8)).toEqual([1, 0]);
    expect(await at(32, 33, 0)).toEqual([1, 0]);
    expect(await at(28, 29, 0)).toEqual([0, 0]);
  });

  test("a fault that begins while VmPTE is read counts", async () => {
    expect(await at(15, 21, 8)).toEqual([1, 0]);
  });
});

describe("input that cannot be checked", () => {
  const machine = createKernel({ features: featuresOf("sync"), image: "empty" });
  const run = async (trace: TextSource, samples: TextSource): Promise<unknown> => {
    const report = new ImportReport();
    return checkTrace({ trace, measured: await readMeasured(samples, report), machine, report });
  };

  test.each([
    ["no samples", text("app 1/1 1.0: PERF_RECORD_COMM: a:1/1"), text("# pid 1"), "no sample"],
    ["no process", text("app 1/1 1.0: PERF_RECORD_COMM: a:1/1"), text("1.0 4 4 1 1.1"), "name their process"],
    [
      "another process",
      text("app 1/1 1.0: PERF_RECORD_COMM: a:1/1"),
      text("# pid 2", "1.0 4 4 1 1.1"),
      "no event of process 2",
    ],
    ["strace", text("brk(NULL) = 0x1000"), text("# pid 2", "1.0 4 4 1 1.1"), "no page faults"],
    ["an empty trace", text(""), text("# pid 2", "1.0 4 4 1 1.1"), "no known format"],
  ])("%s", async (_, trace, samples, message) => {
    await expect(run(trace, samples)).rejects.toThrow(message);
  });
});
