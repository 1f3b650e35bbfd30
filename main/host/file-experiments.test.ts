/** Experiments of files, after the lab was closed and opened again: run once more, looked at, and said of where they cannot be. */
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { operationLine, opsHeaderLine } from "../../engine/workload/import/index.ts";
import { resultOf } from "../answer.ts";
import type { CallArguments, CallResult, Experiment, LabCallName } from "../contract.ts";
import { type Lab, openLab } from "./lab.ts";

const M = 2 ** 20;
const BASE = 2 ** 45;

let folder: string;
let lab: Lab;
let waiting: (() => void)[] = [];

function open(): void {
  lab = openLab({
    file: join(folder, "history.sqlite"),
    emit: () => {
      for (const wake of waiting.splice(0)) wake();
    },
    log: (error) => {
      throw error;
    },
  });
}

async function restart(): Promise<void> {
  await lab.close();
  open();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "file-experiments-"));
  waiting = [];
  open();
});

afterEach(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

async function ask<N extends LabCallName>(name: N, ...params: CallArguments<N>): Promise<CallResult<N>> {
  return resultOf(name, await lab.call(name, params[0]));
}

async function ended(id: number): Promise<Experiment> {
  for (;;) {
    const told = new Promise<void>((resolve) => waiting.push(resolve));
    const experiment = await ask("experiment.get", { id });
    if (experiment.runs.every((run) => run.endedAt !== null)) return experiment;
    await told;
  }
}

/** Maps 64 MiB, writes all of it, and gives it back, 8 MiB at a time. */
async function workloadFile(): Promise<string> {
  const path = join(folder, "pool.ops.jsonl");
  const lines = [opsHeaderLine({ title: "pool" })];
  lines.push(operationLine({ op: "mmap", addr: BASE, len: 64 * M, prot: "rw", backing: "anon" }));
  for (let at = 0; at < 64; at += 8) {
    lines.push(operationLine({ op: "touch", addr: BASE + at * M, len: 8 * M, access: "w" }));
    lines.push(operationLine({ op: "madvise", addr: BASE + at * M, len: 8 * M, advice: "dontneed" }));
  }
  await writeFile(path, lines.join(""));
  return path;
}

/** A trace of a worker that was forked, and so continues its parent's address space. */
async function traceFile(): Promise<string> {
  const path = join(folder, "worker.txt");
  const fault = (us: number, at: number, task: string): string =>
    `app ${task} 1.0000${us}000: exceptions:page_fault_user: address=0x${at.toString(16)} ip=0x401000 error_code=0x6`;
  await writeFile(
    path,
    [
      "app 10/10 1.000000000: PERF_RECORD_COMM exec: app:10/10",
      "app 10/10 1.000000001: PERF_RECORD_MMAP2 10/10: [0x7f0000000000(0x1000000) @ 0 00:00 0 0]: rw-p //anon",
      "app 10/10 1.000000002: syscalls:sys_exit_execve: 0x0",
      fault(10, 0x7f0000000000, "10/10"),
      "app 10/10 1.000011000: PERF_RECORD_FORK(20:20):(10:10)",
      ...Array.from({ length: 7 }, (_, i) => fault(20 + i, 0x7f0000200000 + i * 2 * M, "20/20")),
      "",
    ].join("\n"),
  );
  return path;
}

async function run(path: string, process?: number): Promise<Experiment> {
  const { token } = await ask("file.open", { path });
  const { id } = await ask("experiment.start", { workload: { kind: "file", token, process } });
  return ended(id);
}

const finals = ({ runs }: Experiment) => runs.map(({ mode, summary }) => [mode, summary?.final.vmpte_kb]);

it("shares a trace between its runs, which come out as each does alone", async () => {
  const path = await workloadFile();
  const start = async (mode: "both" | "sync" | "none"): Promise<Experiment> => {
    const { token } = await ask("file.open", { path });
    const { id } = await ask("experiment.start", { workload: { kind: "file", token }, mode });
    return ended(id);
  };
  const shared = await start("both");
  expect(shared.runs.map(({ status }) => status)).toEqual(["done", "done"]);
  for (const { mode, id, summary } of shared.runs) {
    const [alone] = (await start(mode as "sync" | "none")).runs;
    const { wall_ms: _took, ...numbers } = alone.summary ?? { wall_ms: 0 };
    expect(summary).toMatchObject(numbers);
    expect(await ask("run.samples", { runId: id })).toEqual(await ask("run.samples", { runId: alone.id }));
  }
});

it("keeps how little of a trace the chosen process is, where others did much of it", async () => {
  const { params } = await run(await traceFile());
  expect(params).toMatchObject({ pid: 20, of_processes: 2, share_of_events: 0.583 });
});

it("runs again after a restart, with the same outcome", async () => {
  const before = await run(await workloadFile());
  await restart();
  const { id } = await ask("experiment.again", { id: before.id });
  const after = await ended(id);
  expect(after.title).toBe(before.title);
  expect(finals(after)).toEqual(finals(before));
  // Eight tables and the PMD and PUD tables of their own are what the series saves and what it does not.
  const [[, none], [, sync]] = finals(after);
  expect((none as number) - (sync as number)).toBe(128);
  // ... and once more from the one that was run again.
  expect(finals(await ended((await ask("experiment.again", { id })).id))).toEqual(finals(before));
});

it("keeps what is set of its policies, and has it again", async () => {
  const { token } = await ask("file.open", { path: await workloadFile() });
  const workload = { kind: "file", token } as const;
  const mode = ["none", "async"] as const;
  const start = (knobs: Record<string, number | string>) =>
    ask("experiment.start", { workload, mode: [...mode], knobs });
  const slow = await ended((await start({ scan_interval: 100_000 })).id);
  const { id } = await start({ scan_interval: "1 ms", scan_size: "128T", thp_deposit: "split" });
  const fast = await ended(id);
  expect(fast.title).toBe("pool.ops.jsonl, scan_interval 1 ms, scan_size 128T, thp_deposit split");
  expect(fast.params).toEqual({ scan_interval: 1, scan_size: 2 ** 47, thp_deposit: "split" });
  expect(fast.runs.map(({ params }) => params)).toEqual([fast.params, fast.params]);
  expect(fast.runs.map(({ kernelProfile }) => kernelProfile?.depositedTables)).toEqual([false, false]);
  const [[, none], [, seldom]] = finals(slow);
  const [[, noneToo], [, often]] = finals(fast);
  expect([noneToo, seldom]).toEqual([none, none]);
  expect(often).toBeLessThan(Number(none));
  // The map is of the same kernel.
  const map = await ask("map.read", { runId: fast.runs[1].id, operations: 17, cells: 1 });
  expect(map?.vmpteKb).toBe(often);
  await restart();
  const again = await ended((await ask("experiment.again", { id })).id);
  expect({ ...again, runs: finals(again) }).toMatchObject({
    title: fast.title,
    params: fast.params,
    runs: finals(fast),
  });
  expect(again.runs.map(({ kernelProfile }) => kernelProfile)).toEqual(
    fast.runs.map(({ kernelProfile }) => kernelProfile),
  );
});

it("refuses what cannot be set, before anything is stored", async () => {
  const { token } = await ask("file.open", { path: await workloadFile() });
  const start = (mode: "both" | "async", knobs: Record<string, number | string>) =>
    ask("experiment.start", { workload: { kind: "file", token }, mode, knobs });
  await expect(start("both", { scan_interval: 5 })).rejects.toThrow(
    "it belongs to async; the policies here are none, sync",
  );
  await expect(start("async", { scan_interval: -1 })).rejects.toThrow("scan_interval: -1 ms is outside 1 ms");
  await expect(
    ask("experiment.start", {
      workload: { kind: "preset", name: "commit-table", params: {} },
      source: "kernel",
      knobs: { resched: 5 },
    }),
  ).rejects.toThrow("resched cannot be set when a running kernel is measured");
  expect((await ask("history.list", {})).total).toBe(0);
});

it("has a map at every moment, after a restart too", async () => {
  const { runs } = await run(await workloadFile());
  await restart();
  const at = (mode: string, operations: number) => {
    const runId = runs.find((each) => each.mode === mode)?.id ?? 0;
    return ask("map.read", { runId, operations, cells: 1, table: BASE / (2 * M) });
  };
  const FULL = 0;
  const EMPTY = 2;
  const written = await at("none", 2);
  expect(written?.operations).toBe(2);
  expect(written?.counts[FULL]).toBe(4);
  expect(written?.table?.every((entry) => entry === 1)).toBe(true);
  const given = await at("none", 3);
  expect([given?.counts[FULL], given?.counts[EMPTY]]).toEqual([0, 4]);
  expect((await at("sync", 3))?.counts[EMPTY]).toBe(0);
  // Back in time, and beyond the end.
  expect((await at("sync", 2))?.counts[FULL]).toBe(4);
  expect((await at("sync", 1e6))?.operations).toBe(17);
});

it("shows the process that a trace follows", async () => {
  const worker = await run(await traceFile(), 20);
  await restart();
  const [{ id, summary }] = worker.runs;
  const map = await ask("map.read", { runId: id, operations: 1e6, cells: 1 });
  expect(map?.vmpteKb).toBe(summary?.final.vmpte_kb);
  expect(map?.vmpteKb).toBe(4 * (1 + 1 + 8));
});

it("says where the file is another or gone; a path is in no answer", async () => {
  const path = await workloadFile();
  const before = await run(path);
  expect(JSON.stringify(before)).not.toContain(folder);
  const look = () => ask("map.read", { runId: before.runs[0].id, operations: 1, cells: 1 });
  await rename(path, `${path}.away`);
  await expect(ask("experiment.again", { id: before.id })).rejects.toThrow("The file of this experiment is gone");
  await expect(look()).rejects.toThrow("The file of this experiment is gone");
  await rename(`${path}.away`, path);
  expect((await look())?.operations).toBe(1);
  await restart();
  await appendFile(path, operationLine({ op: "tick", ms: 1 }));
  await expect(ask("experiment.again", { id: before.id })).rejects.toThrow("The file of this experiment has changed");
  await expect(look()).rejects.toThrow("The file of this experiment has changed");
});

it("refuses what cannot be read twice", async () => {
  await expect(ask("file.open", { path: "/dev/null" })).rejects.toThrow("It is not a regular file");
});

it("runs a program with its releases changed, and tells of all that were made of it", async () => {
  const path = await workloadFile();
  const asItIs = await run(path);
  const changed = await ended(
    (await ask("experiment.again", { id: asItIs.id, whatIf: { kind: "coalesce", ms: 1000 } })).id,
  );
  expect(changed.params).toEqual({ ...asItIs.params, what_if: "coalesce=1000" });
  expect(changed.title).toBe(`${asItIs.title}; releases merged over 1.0 s`);
  const calls = ({ runs }: Experiment) => runs.map(({ summary }) => summary?.releases?.dontneed.calls);
  expect(calls(asItIs)).toEqual([8, 8]);
  expect(calls(changed)).toEqual([1, 1]);
  // Of another program of the same file, and of another file: not of this one.
  await ask("experiment.start", {
    workload: { kind: "file", token: (await ask("file.open", { path })).token },
    seed: 7,
  });
  await run(await traceFile(), 20);
  await ask("experiment.start", { workload: { kind: "preset", name: "commit-table", params: {} } });
  const whole = await ended((await ask("experiment.again", { id: asItIs.id, whatIf: { kind: "whole" } })).id);
  for (const { id } of [asItIs, changed, whole])
    expect((await ask("experiment.changed", { id })).map((each) => each.id)).toEqual([asItIs.id, changed.id, whole.id]);
  // What is changed is run again as it was, and not changed twice.
  const again = await ended((await ask("experiment.again", { id: changed.id })).id);
  expect([again.title, again.params, calls(again)]).toEqual([changed.title, changed.params, [1, 1]]);
  await expect(ask("experiment.again", { id: changed.id, whatIf: { kind: "whole" } })).rejects.toThrow(
    "changed already",
  );
  await ask("experiment.delete", { ids: [changed.id, again.id] });
  expect((await ask("experiment.changed", { id: asItIs.id })).map(({ id }) => id)).toEqual([asItIs.id, whole.id]);
});

it("runs a program under other policies", async () => {
  const asItIs = await run(await workloadFile());
  const all = await ended((await ask("experiment.again", { id: asItIs.id, mode: ["eager", "none", "sync"] })).id);
  expect([all.title, all.params]).toEqual([asItIs.title, asItIs.params]);
  expect(finals(all).map(([mode]) => mode)).toEqual(["none", "sync", "eager"]);
  expect(finals(all).slice(0, 2)).toEqual(finals(asItIs));
});

it("changes no releases of a preset", async () => {
  const { id } = await ask("experiment.start", { workload: { kind: "preset", name: "commit-table", params: {} } });
  await expect(ask("experiment.again", { id, whatIf: { kind: "whole" } })).rejects.toThrow(
    "of traces and workload files",
  );
  expect(await ask("experiment.changed", { id })).toEqual([]);
  await expect(ask("experiment.again", { id, mode: "sync" })).rejects.toThrow("chosen in the form");
});
