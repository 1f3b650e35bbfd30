import { expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { run } from "../experiment/run.ts";
import { SAMPLE_COLUMNS, SAMPLE_INDEX } from "../experiment/types.ts";
import { createKernel } from "../mm/kernel.ts";
import { blaming } from "./blame.ts";
import { following } from "./following.ts";
import { ImportReport, importOperations, survey } from "./import/index.ts";
import type { Operation } from "./operation.ts";
import { asService } from "./service.ts";
import { tallying } from "./tally.ts";
import { traceKernel } from "./trace-kernel.ts";

const MIB = 2 ** 20;
const HEAP = 0x7f0000000000;
const OWN = 0x7e0000000000;

const time = (us: number): string => `1.${String(us).padStart(6, "0")}000`;
const event = (pid: number, us: number, text: string): string => `app ${pid}/${pid} ${time(us)}: ${text}`;
const fault = (pid: number, us: number, address: number): string =>
  event(pid, us, `exceptions:page_fault_user: address=0x${address.toString(16)} ip=0x401000 error_code=0x6`);
const enter = (pid: number, us: number, call: string, args = ""): string =>
  event(pid, us, `syscalls:sys_enter_${call}: ${args}`);
const exit = (pid: number, us: number, call: string, ret: number): string =>
  event(pid, us, `syscalls:sys_exit_${call}: 0x${ret.toString(16)}`);
const forked = (pid: number, us: number, child: number): string =>
  event(pid, us, `PERF_RECORD_FORK(${child}:${child}):(${pid}:${pid})`);
const gone = (pid: number, us: number): string => event(pid, us, `PERF_RECORD_EXIT(${pid}:${pid}):(10:10)`);
const executed = (pid: number, us: number, name: string, base: number): string[] => [
  event(pid, us, `PERF_RECORD_COMM exec: ${name}:${pid}/${pid}`),
  event(pid, us + 1, `PERF_RECORD_MMAP2 ${pid}/${pid}: [0x${base.toString(16)}(0x1000000) @ 0 00:00 0 0]: rw-p //anon`),
  exit(pid, us + 2, "execve", 0),
];

/** A server with 8 MiB in use forks two workers, one of which gives some of that back, and starts a helper by vfork. */
const SERVICE = [
  ...executed(10, 10, "server", HEAP),
  ...[0, 1, 2, 3].map((slot) => fault(10, 20 + slot, HEAP + slot * 2 * MIB)),
  enter(10, 100, "clone", "clone_flags: 0x01200011, newsp: 0x0"),
  forked(10, 101, 20),
  exit(10, 102, "clone", 20),
  enter(10, 110, "clone", "clone_flags: 0x01200011, newsp: 0x0"),
  forked(10, 111, 21),
  exit(10, 112, "clone", 21),
  fault(20, 200, HEAP + 9 * MIB),
  enter(20, 210, "madvise", `start: 0x${HEAP.toString(16)}, len_in: 0x400000, behavior: 0x4`),
  exit(20, 212, "madvise", 0),
  enter(10, 300, "vfork"),
  forked(10, 301, 30),
  enter(30, 302, "execve"),
  ...executed(30, 303, "helper", OWN),
  exit(10, 310, "vfork", 30),
  fault(30, 320, OWN + 4 * MIB),
  enter(21, 400, "exit_group", "error_code: 0x0"),
  gone(21, 401),
  fault(10, 500, HEAP + 10 * MIB),
].join("\n");

async function* text(): AsyncGenerator<string> {
  yield `${SERVICE}\n`;
}

async function operationsOf(options: Partial<Parameters<typeof importOperations>[1]>): Promise<Operation[]> {
  const operations: Operation[] = [];
  for await (const batch of importOperations(text(), options, new ImportReport())) operations.push(...batch);
  return operations;
}

const NAMES = new Map([
  [10, "server"],
  [20, "server"],
  [30, "helper"],
]);

async function asRun(mode: "none" | "sync") {
  const kernel = createKernel({ features: featuresOf(mode), seed: 1, ...traceKernel() });
  const machine = asService(tallying(blaming(kernel, { reclaims: mode === "sync", together: true })));
  const operations = await operationsOf({ service: NAMES });
  const going = run({
    machine,
    stream: { kind: "operations", operations },
    operationsTotal: null,
    now: () => 0,
  });
  for (;;) {
    const step = await going.next();
    if (step.done) return { summary: step.value.summary, kernel, operations };
  }
}

test("every process begins as it did: by exec, by fork with its parent's memory, by vfork with its own program", async () => {
  const operations = await operationsOf({ service: NAMES });
  const made = operations.flatMap((each) =>
    each.op === "exec" || each.op === "fork" ? [{ ...each, at: undefined }] : [],
  );
  expect(made).toEqual([
    { op: "exec", pid: 10, comm: "server" },
    { op: "fork", pid: 20, comm: "server" },
    { op: "fork", pid: 21, comm: "" },
    { op: "exec", pid: 30, comm: "helper", process: 3 },
  ]);
  expect(operations.filter(({ op }) => op === "exit")).toEqual([{ op: "exit", process: 2, at: 390_000 }]);
});

test("each process has the tables that it has where it is followed alone", async () => {
  const { processes } = await survey(text(), new ImportReport());
  for (const mode of ["none", "sync"] as const) {
    const { kernel } = await asRun(mode);
    for (const [process, pid] of [10, 20, 21, 30].entries()) {
      const { ancestors = [] } = processes.find((each) => each.pid === pid) ?? {};
      const alone = following(createKernel({ features: featuresOf(mode), seed: 1, ...traceKernel() }));
      for (const operation of await operationsOf({ pid, ancestors })) alone.execute(operation);
      if (pid === 21) expect([kernel.vmpteKb(process), alone.vmpteKb()]).toEqual([0, 4 * (1 + 1 + 4)]);
      else expect([pid, kernel.vmpteKb(process)]).toEqual([pid, alone.vmpteKb()]);
    }
  }
});

test("the service's numbers are the sums, and each process has a row", async () => {
  const { summary } = await asRun("sync");
  const upper = 2;
  const [server, worker, ended, helper] = [5 + upper, 3 + upper, 4 + upper, 1 + upper].map((tables) => 4 * tables);
  expect(summary.final.vmpte_kb).toBe(server + worker + helper);
  expect(summary.final.pte_tables).toBe(5 + 3 + 1);
  const peak = server - 4 + worker + ended + helper;
  expect(summary.peak.vmpte_kb).toBe(peak);
  expect(summary.processes?.all).toBe(4);
  const rows = summary.processes?.largest.map(({ pid, comm, lives, peak_vmpte_kb, final_vmpte_kb }) => [
    pid,
    comm,
    lives,
    peak_vmpte_kb,
    final_vmpte_kb,
  ]);
  expect(rows).toEqual([
    [10, "server", true, server, server],
    [20, "server", true, worker + 8, worker],
    [21, "", false, ended, 0],
    [30, "helper", true, helper, helper],
  ]);
  // A line a process: the helper begins late, the worker that ended ends.
  const { step = 0, largest = [] } = summary.processes ?? {};
  const lines = new Map(largest.map(({ pid, line }) => [pid, line]));
  const until = (pid: number): number => ((lines.get(pid)?.from ?? 0) + (lines.get(pid)?.kb.length ?? 0)) * step;
  expect(Math.max(...(lines.get(20)?.kb ?? []))).toBe(worker + 8);
  expect((lines.get(30)?.from ?? 0) * step).toBeGreaterThan(280_000 - step);
  expect(until(21)).toBeLessThan(390_000 + step);
  expect(until(10)).toBeGreaterThanOrEqual(490_000);
  expect(summary.events?.map(({ what, time_ns }) => [what, time_ns])).toEqual([
    ["exec", 0],
    ["fork", 91_000],
    ["fork", 101_000],
    ["exec", 293_000],
  ]);
  // The first worker had 24 kB from 101 us on, 28 kB from 200, 20 kB from 212 to the end at 500.
  const first = summary.processes?.largest.find(({ pid }) => pid === 20);
  expect(first?.average_vmpte_kb).toBeCloseTo((24 * 99 + 28 * 12 + 20 * 288) / 399, 6);
});

test("tables that were emptied are told of all processes together", async () => {
  const { summary } = await asRun("none");
  expect(summary.blame?.end).toEqual([{ stack: [], reason: "no_reclaim", tables: 2, kb: 8 }]);
  expect(summary.final.empty_pte_tables).toBe(2);
  expect(summary.releases?.dontneed).toEqual({ calls: 1, bytes: 4 * MIB });
});

test("samples are sums too", () => {
  const kernel = createKernel({ features: featuresOf("none"), seed: 1, ...traceKernel() });
  const machine = asService(kernel);
  machine.execute({ op: "exec" });
  machine.execute({ op: "mmap", addr: HEAP, len: 4 * MIB, prot: "rw", backing: "anon" });
  machine.execute({ op: "touch", addr: HEAP, len: MIB, access: "w" });
  machine.execute({ op: "fork" });
  machine.execute({ op: "exec", process: 2 });
  const row = new Float64Array(SAMPLE_COLUMNS.length);
  machine.sampleInto(row, 0);
  expect([row[SAMPLE_INDEX.vmpte_kb], row[SAMPLE_INDEX.rss_kb]]).toEqual([24, 2 * 1024]);
  expect([machine.vmpteKb(), machine.rssKb()]).toEqual([24, 2 * 1024]);
  machine.execute({ op: "exit", process: 0 });
  machine.sampleInto(row, 1);
  expect(row[SAMPLE_INDEX.vmpte_kb]).toBe(12);
});
