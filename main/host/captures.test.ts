/** A capture's folder as an experiment: named after its program, with what was measured as a run beside the model's. */
import { execFileSync } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { resultOf } from "../answer.ts";
import type { CallArguments, CallResult, Experiment, LabCallName } from "../contract.ts";
import { type Lab, openLab } from "./lab.ts";

const TRACES = join(import.meta.dirname, "../../engine/workload/testdata/traces");

let folder: string;
let capture: string;
let lab: Lab;
const waiting: (() => void)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "captures-"));
  capture = join(folder, "a capture");
  await cp(join(TRACES, "jemalloc-sparse"), capture, { recursive: true });
  lab = openLab({
    file: join(folder, "history.sqlite"),
    emit: () => {
      for (const wake of waiting.splice(0)) wake();
    },
    log: (error) => {
      throw error;
    },
  });
});

afterEach(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

async function ask<N extends LabCallName>(name: N, ...params: CallArguments<N>): Promise<CallResult<N>> {
  return resultOf(name, await lab.call(name, params[0]));
}

async function ended({ id }: Experiment): Promise<Experiment> {
  for (;;) {
    const told = new Promise<void>((resolve) => waiting.push(resolve));
    const experiment = await ask("experiment.get", { id });
    if (experiment.runs.every((run) => run.endedAt !== null)) return experiment;
    await told;
  }
}

async function run(path: string): Promise<Experiment> {
  const { token } = await ask("file.open", { path });
  return ended(await ask("experiment.start", { workload: { kind: "file", token } }));
}

it("is opened whole: called after its program, its readings a run on the program's clock", async () => {
  await writeFile(join(capture, "cmd.txt"), "/opt/tests/sparse --rounds 4\nperf record ...\n");
  const opened = await ask("file.open", { path: capture });
  expect(opened.name).toBe("sparse");
  expect(opened.capture?.folder).toBe("a capture");
  expect(opened.capture?.command).toBe("/opt/tests/sparse --rounds 4");
  const done = await run(capture);
  expect(done.title).toMatch(/^sparse, 4\d\d ms$/);
  expect(done.params.command).toBe("/opt/tests/sparse --rounds 4");
  expect(done.runs.map(({ source, mode, status }) => [source, mode, status])).toEqual([
    ["model", "none", "done"],
    ["model", "sync", "done"],
    ["kernel", "sync", "done"],
  ]);
  const [, model, measured] = done.runs;
  expect(measured.summary?.final.vmpte_kb).toBe(model.summary?.final.vmpte_kb);
  // Readings count none.
  expect(measured.summary?.operations).toBe(0);
  expect(measured.summary?.final.virt_kb).toBeNull();
  const { columns } = await ask("run.samples", { runId: measured.id });
  const times = [...(columns.time_ns ?? [])];
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[0]).toBeGreaterThanOrEqual(0);
  expect(times.at(-1)).toBeLessThanOrEqual(model.summary?.program_ns ?? 0);
});

it("its trace alone has no measured run; a pid that was not measured has none", async () => {
  const alone = await run(join(capture, "events.txt.gz"));
  expect(alone.runs.map(({ source }) => source)).toEqual(["model", "model"]);
  expect(alone.workload).toBe("sparse");
  await writeFile(join(capture, "vmpte.txt"), "# pid 1\n3482.5 300 1000 1 3482.6\n");
  expect((await run(capture)).runs.map(({ source }) => source)).toEqual(["model", "model"]);
});

it("is run again with its readings, and says where they are gone", async () => {
  const { id } = await run(capture);
  const again = await ended(await ask("experiment.again", { id }));
  expect(again.runs.map(({ source, status }) => [source, status])).toEqual([
    ["model", "done"],
    ["model", "done"],
    ["kernel", "done"],
  ]);
  await rm(join(capture, "vmpte.txt"));
  const without = await ended(await ask("experiment.again", { id }));
  expect(without.runs.map(({ source, status }) => [source, status])).toEqual([
    ["model", "done"],
    ["model", "done"],
    ["kernel", "failed"],
  ]);
  expect(without.runs[2].reason).toContain("there is no such file");
  if (process.platform === "win32") return;
  execFileSync("mkfifo", [join(capture, "vmpte.txt")]);
  const waiting = await ended(await ask("experiment.again", { id }));
  expect(waiting.runs[2]).toMatchObject({ status: "failed", reason: expect.stringContaining("not a regular file") });
});

it.skipIf(process.platform === "win32")(
  "what is no file in a stranger's capture is neither waited for nor read without end",
  async () => {
    for (const name of ["cmd.txt", "vmpte.txt"]) {
      await rm(join(capture, name), { force: true });
      execFileSync("mkfifo", [join(capture, name)]);
    }
    const done = await run(capture);
    expect(done.runs.map(({ source, status }) => [source, status])).toEqual([
      ["model", "done"],
      ["model", "done"],
    ]);
    await rm(join(capture, "kernel.json"), { force: true });
    await symlink("/dev/zero", join(capture, "kernel.json"));
    await expect(ask("file.open", { path: capture })).rejects.toThrow("not a kernel profile");
  },
);
