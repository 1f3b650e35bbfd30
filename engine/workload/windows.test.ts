import { expect, test } from "vitest";
import type { Machine } from "../experiment/machine.ts";
import { featuresOf } from "../experiment/policies.ts";
import { createKernel } from "../mm/kernel.ts";
import { checkTrace } from "./check.ts";
import { ImportReport } from "./import/index.ts";
import { readMeasured } from "./measured.ts";
import { traceKernel } from "./trace-kernel.ts";

/** VmPTE is 4 kB for every 2 MiB touched and not unmapped; fork copies it. */
function tables(): Machine {
  const processes: Set<number>[] = [new Set()];
  return {
    execute(operation) {
      const process = "process" in operation ? (operation.process ?? 0) : 0;
      const held = processes[process];
      if (operation.op === "touch") held.add(Math.floor(operation.addr / 2 ** 21));
      if (operation.op === "exec") held.clear();
      if (operation.op !== "fork") return { status: "ok", value: 0 };
      return { status: "ok", value: processes.push(new Set(held)) - 1 };
    },
    sampleInto() {},
    vmpteKb: (process = 0) => processes[process].size * 4,
    rssKb: () => 0,
  };
}

const MAPPED = [
  "app 10/10 1.000000000: PERF_RECORD_COMM exec: app:10/10",
  "app 10/10 1.000001000: PERF_RECORD_MMAP2 10/10: [0x7f0000000000(0x1000000) @ 0x7f0000000000 00:00 0 0]: rw-p //anon",
  "app 10/10 1.000002000: syscalls:sys_exit_execve: 0x0",
];

function fault(ms: number, address: string, task = "10/10"): string {
  return `app ${task} 1.${String(ms).padStart(3, "0")}000000: exceptions:page_fault_user: address=${address} ip=0x401000 error_code=0x6`;
}

async function check(
  trace: readonly string[],
  ms: number,
  kb: number,
  pid = 10,
  ancestors: readonly number[] = [],
  machine = tables(),
) {
  const time = `1.${String(ms).padStart(3, "0")}000000`;
  const report = new ImportReport();
  async function* text(...lines: readonly string[]): AsyncGenerator<string> {
    yield `${lines.join("\n")}\n`;
  }
  const measured = await readMeasured(text(`# pid ${pid}`, `${time} ${kb} 0 1 ${time}`), report);
  const checked = await checkTrace({ trace: text(...trace), measured, machine, report, pid, ancestors });
  const { samples, explained, explained_by_allowance, zero_width, zero_width_exact } = checked.result;
  expect(samples).toBe(1);
  return { explained, explained_by_allowance, zero_width, zero_width_exact };
}

const END = "app 10/12 1.900000000: PERF_RECORD_COMM: app:10/12";
const EXACT = { explained: 1, explained_by_allowance: 0, zero_width: 1, zero_width_exact: 1 };

test("a thread that sleeps after a fault does not keep its fault in flight, but may be in it still", async () => {
  const trace = [...MAPPED, fault(10, "0x7f0000000000"), END];
  const wide = { explained: 1, explained_by_allowance: 0, zero_width: 0, zero_width_exact: 0 };
  expect(await check(trace, 20, 4)).toEqual(wide);
  expect(await check(trace, 20, 0)).toEqual(wide);
  expect(await check(trace, 100, 4)).toEqual(EXACT);
  expect(await check(trace, 100, 0)).toEqual({ ...wide, explained_by_allowance: 1 });
  expect(await check(trace, 100, 8)).toMatchObject({ explained: 0, zero_width: 1, zero_width_exact: 0 });
});

test("tables that process_madvise may have freed are an allowance, never of more than it was given", async () => {
  const trace = [
    ...MAPPED,
    ...[0, 1, 2, 3].map((slot) => fault(10 + slot, `0x${(0x7f0000000000 + slot * 2 ** 21).toString(16)}`)),
    "app 10/10 1.020000000: syscalls:sys_enter_process_madvise: pidfd: 3, vec: 0x7ffd00020000, vlen: 1, behavior: 4, flags: 0",
    "app 10/10 1.021000000: syscalls:sys_exit_process_madvise: 0x400000",
    END,
  ];
  expect(await check(trace, 200, 16)).toEqual(EXACT);
  expect(await check(trace, 200, 8)).toMatchObject({ explained: 1, explained_by_allowance: 1, zero_width: 0 });
  expect(await check(trace, 200, 4)).toMatchObject({ explained: 0 });
  // Before the call began nothing had gone.
  expect(await check(trace, 15, 8)).toMatchObject({ explained: 0 });
});

test("what a mapping holds whose end is not in the trace may have gone", async () => {
  const segment = "PERF_RECORD_MMAP2 10/10: [0x7e0000000000(0x1000000) @ 0 00:01 32768 0]: rw-s /SYSV00000000";
  const trace = [...MAPPED, fault(10, "0x7f0000000000"), `app 10/10 1.011000000: ${segment}`];
  trace.push(fault(12, "0x7e0000000000"), fault(13, "0x7f0000001000"), END);
  expect(await check(trace, 100, 8)).toEqual(EXACT);
  expect(await check(trace, 100, 4)).toMatchObject({ explained: 1, explained_by_allowance: 1 });
  expect(await check(trace, 100, 0)).toMatchObject({ explained: 0 });
});

test("the address space is a new one from the begin of the execve on, whichever thread calls it", async () => {
  const trace = [
    ...MAPPED,
    fault(10, "0x7f0000000000"),
    fault(11, "0x7f0000000000"),
    "app 10/11 1.100000000: syscalls:sys_enter_execve: filename: 0x1, argv: 0x2, envp: 0x3",
    "app 10/10 1.200000000: PERF_RECORD_COMM exec: app:10/10",
    "app 10/10 1.200001000: PERF_RECORD_MMAP2 10/10: [0x7f0000000000(0x1000000) @ 0 00:00 0 0]: rw-p //anon",
    "app 10/10 1.200002000: syscalls:sys_exit_execve: 0x0",
    END,
  ];
  expect(await check(trace, 90, 0)).toMatchObject({ explained: 0 });
  expect(await check(trace, 150, 0)).toMatchObject({ explained: 1, zero_width: 0 });
  expect(await check(trace, 150, 4)).toMatchObject({ explained: 1, zero_width: 0 });
  expect(await check(trace, 500, 0)).toEqual(EXACT);
});

test("a process that was forked continues the address space of its ancestors", async () => {
  const trace = [
    ...MAPPED,
    fault(10, "0x7f0000000000"),
    "app 10/10 1.020000000: PERF_RECORD_FORK(20:20):(10:10)",
    fault(30, "0x7f0000200000"),
    fault(40, "0x7f0000400000", "20/20"),
    fault(41, "0x7f0000400000", "20/20"),
    "app 20/20 1.900000000: PERF_RECORD_COMM: app:20/20",
  ];
  expect(await check(trace, 35, 4, 20, [10])).toEqual(EXACT);
  expect(await check(trace, 100, 8, 20, [10])).toEqual(EXACT);
  expect(await check(trace, 25, 4, 10)).toEqual(EXACT);
});

test("a call that maps or moves over what is there unmaps it first: the window goes down to what is left then", async () => {
  const region = "0x7f0000000000(0x600000) @ 0x7f0000000000 00:00 0 0]: rw-p //anon";
  const source = "0x7f0000800000(0x600000) @ 0x7f0000800000 00:00 0 0]: rw-p //anon";
  const kept = "0x7f0000600000(0x1000) @ 0x7f0000600000 00:00 0 0]: rw-p //anon";
  const before = [
    "app 10/10 1.000000000: PERF_RECORD_COMM exec: app:10/10",
    ...[region, source, kept].map((each) => `app 10/10 1.000001000: PERF_RECORD_MMAP2 10/10: [${each}`),
    "app 10/10 1.000002000: syscalls:sys_exit_execve: 0x0",
    // A table for each of the three slots of the region, one for what is kept, one of the source.
    ...["000000", "200000", "400000", "600000", "800000"].map((low, at) => fault(10 + at, `0x7f0000${low}`)),
  ];
  const anew = [
    "app 10/10 1.100000000: syscalls:sys_enter_mmap: addr: 0x7f0000000000, len: 0x600000, prot: 3, flags: 0x8032, fd: -1, off: 0",
    "app 10/10 1.200000000: syscalls:sys_exit_mmap: 0x7f0000000000",
  ];
  const moved = [
    "app 10/10 1.100000000: syscalls:sys_enter_mremap: addr: 0x7f0000800000, old_len: 0x600000, new_len: 0x600000, flags: 3, new_addr: 0x7f0000000000",
    "app 10/10 1.200000000: syscalls:sys_exit_mremap: 0x7f0000000000",
  ];
  const lasts = { explained: 1, zero_width: 0 };
  for (const [call, after] of [
    [anew, 28],
    [moved, 16],
  ] as const) {
    const at = (ms: number, kb: number) =>
      check(
        [...before, ...call, END],
        ms,
        kb,
        10,
        [],
        createKernel({ ...traceKernel(), features: featuresOf("sync") }),
      );
    expect(await at(99, 28)).toEqual(EXACT);
    expect(await at(150, 28)).toMatchObject(lasts);
    expect(await at(150, 16)).toMatchObject(lasts);
    expect(await at(150, 12)).toMatchObject({ explained: 0 });
    expect(await at(300, after)).toEqual(EXACT);
  }
});

test("a collapse that ended in EAGAIN may have left any of the tables that the model freed for it, and none where it was one", async () => {
  const file = "0x7f0000000000(0x400000) @ 0 00:01 7 0]: rw-s /memfd:x (deleted)";
  const collapse = (len: string) => [
    "app 10/10 1.000000000: PERF_RECORD_COMM exec: app:10/10",
    `app 10/10 1.000001000: PERF_RECORD_MMAP2 10/10: [${file}`,
    "app 10/10 1.000002000: syscalls:sys_exit_execve: 0x0",
    fault(10, "0x7f0000000000"),
    fault(11, "0x7f0000200000"),
    `app 10/10 1.100000000: syscalls:sys_enter_madvise: start: 0x7f0000000000, len_in: ${len}, behavior: 0x19`,
    "app 10/10 1.101000000: syscalls:sys_exit_madvise: 0xfffffffffffffff5",
    END,
  ];
  const at = (len: string, kb: number) =>
    check(collapse(len), 300, kb, 10, [], createKernel({ ...traceKernel(), features: featuresOf("sync") }));
  const allowed = { explained: 1, explained_by_allowance: 1, zero_width: 0 };
  expect(await at("0x400000", 8)).toEqual(EXACT);
  expect(await at("0x400000", 12)).toMatchObject(allowed);
  expect(await at("0x400000", 16)).toMatchObject(allowed);
  expect(await at("0x400000", 20)).toMatchObject({ explained: 0 });
  expect(await at("0x200000", 16)).toEqual(EXACT);
});
