import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resultOf } from "../answer.ts";
import type { CallArguments, CallResult, EventName, EventPayload, Experiment, LabCallName } from "../contract.ts";
import { type Lab, openLab } from "./lab.ts";

/** Small enough for a test, long enough to have many samples. */
const SIZE = 2 ** 30;

let folder: string;
let lab: Lab;
let told: { name: EventName; payload: unknown }[];
let waiting: (() => void)[];

function open(): void {
  lab = openLab({
    file: join(folder, "history.sqlite"),
    emit: (name, payload) => {
      told.push({ name, payload });
      for (const wake of waiting.splice(0)) wake();
    },
    log: (error) => {
      throw error;
    },
  });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-"));
  told = [];
  waiting = [];
  open();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

async function ask<N extends LabCallName>(name: N, ...params: CallArguments<N>): Promise<CallResult<N>> {
  return resultOf(name, await lab.call(name, params[0]));
}

const preset = (params: Record<string, number | string>) => ({ kind: "preset" as const, name: "commit-table", params });

/** The experiment, once all its runs have ended. */
async function ended(id: number): Promise<Experiment> {
  for (;;) {
    const toldBefore = told.length;
    const experiment = await ask("experiment.get", { id });
    if (experiment.runs.every((run) => run.endedAt !== null)) return experiment;
    if (told.length === toldBefore) await new Promise<void>((resolve) => waiting.push(resolve));
  }
}

/** Waits until a run of the experiment has stored at least `count` samples; the first is of operation 0. */
async function sampled(id: number, count = 1): Promise<void> {
  const enough = ({ name, payload }: (typeof told)[number]): boolean => {
    if (name !== "run.sampled") return false;
    const { experimentId, fromSeq, samples } = payload as EventPayload<"run.sampled">;
    return experimentId === id && fromSeq + samples.count >= count;
  };
  while (!told.some(enough)) await new Promise<void>((resolve) => waiting.push(resolve));
}

describe("an experiment", () => {
  it("runs under the default policies, is told in order, and its samples are the stored ones", async () => {
    const started = await ask("experiment.start", { workload: preset({ size: SIZE }) });
    expect(started.runs.map(({ source, mode }) => [source, mode])).toEqual([
      ["model", "none"],
      ["model", "sync"],
    ]);
    const done = await ended(started.id);
    expect(done.runs.map((run) => run.status)).toEqual(["done", "done"]);
    const [none, sync] = done.runs.map((run) => run.summary);
    expect(none?.final.pte_tables).toBe((sync?.final.pte_tables ?? 0) + 512);
    expect(sync?.reclaimed_pte_tables).toBe(512);

    for (const run of done.runs) {
      const names = told.filter(({ payload }) => {
        const about = payload as { runId?: number; id?: number; experimentId?: number };
        return about.runId === run.id || (about.id === run.id && about.experimentId === started.id);
      });
      expect(names.at(-1)?.name).toBe("run.ended");
      expect(names.slice(0, -1).every(({ name }) => name === "run.sampled")).toBe(true);
      const batches = names
        .slice(0, -1)
        .map(({ payload }) => payload as { fromSeq: number; samples: { count: number } });
      let next = 0;
      for (const { fromSeq, samples } of batches) {
        if (samples.count > 0) expect(fromSeq).toBe(next);
        next += samples.count;
      }
      expect(run.sampleCount).toBe(next);
      const stored = await ask("run.samples", { runId: run.id });
      expect(stored.count).toBe(next);
      expect(stored.columns.vmpte_kb?.at(-1)).toBe(run.summary?.final.vmpte_kb);
    }
  });

  it("gives the same samples every time, column by column", async () => {
    const columns = [];
    for (let i = 0; i < 2; i++) {
      const { id } = await ask("experiment.start", {
        workload: preset({ size: SIZE, order: "random" }),
        seed: 7,
        mode: "sync",
      });
      const [run] = (await ended(id)).runs;
      columns.push((await ask("run.samples", { runId: run?.id ?? 0 })).columns);
    }
    expect(columns[0]).toEqual(columns[1]);
  });

  it("is thinned by its peaks where a chart asks for fewer points", async () => {
    const { id } = await ask("experiment.start", { workload: preset({ size: SIZE }), mode: "none" });
    const [run] = (await ended(id)).runs;
    const thinned = await ask("run.samples", { runId: run?.id ?? 0, columns: ["vmpte_kb"], maxPoints: 50 });
    expect(thinned.count).toBeLessThanOrEqual(50);
    expect(Object.keys(thinned.columns)).toEqual(["vmpte_kb"]);
    expect(Math.max(...(thinned.columns.vmpte_kb ?? []))).toBe(run?.summary?.peak.vmpte_kb);
  });

  it("is cancelled within its time, with its samples kept, and a queued one before it begins", async () => {
    const first = await ask("experiment.start", { workload: preset({ rounds: 10_000 }) });
    const queued = await ask("experiment.start", { workload: preset({ rounds: 10_000 }) });
    await sampled(first.id, 2);
    expect(await ask("experiment.cancel", { id: queued.id })).toBe(2);
    expect(await ask("experiment.cancel", { id: first.id })).toBe(2);
    const stopped = await ended(first.id);
    expect(stopped.runs.map((run) => run.status)).toEqual(["cancelled", "cancelled"]);
    const begun = stopped.runs.filter((run) => run.sampleCount > 1);
    expect(begun.length).toBeGreaterThan(0);
    for (const run of begun) {
      expect(run.summary?.operations).toBeGreaterThan(0);
      expect(run.summary?.operations).toBeLessThan(1 + 2 * 10_000 * 25_600);
    }
    expect((await ended(queued.id)).runs.map((run) => run.status)).toEqual(["cancelled", "cancelled"]);
    expect(await ask("experiment.cancel", { id: first.id })).toBe(0);
  });

  it("whose worker crashes has failed with the reason, and the next one works", async () => {
    vi.stubEnv("RECLAIM_LAB_FAULT", "worker-crash:1000");
    const { id } = await ask("experiment.start", { workload: preset({ rounds: 100 }), mode: "sync" });
    const [run] = (await ended(id)).runs;
    expect(run).toMatchObject({ status: "failed" });
    expect(run?.reason).toContain("crashed on purpose");
    vi.unstubAllEnvs();
    const next = await ask("experiment.start", { workload: preset({ size: SIZE }), mode: "sync" });
    expect((await ended(next.id)).runs[0]?.status).toBe("done");
  });

  it("that is under way when the lab closes is marked interrupted, its samples kept", async () => {
    const { id } = await ask("experiment.start", { workload: preset({ rounds: 10_000 }) });
    await sampled(id);
    await lab.close();
    open();
    const { runs } = await ask("experiment.get", { id });
    expect(runs.map((run) => run.status)).toEqual(["interrupted", "interrupted"]);
    expect(runs.some((run) => run.sampleCount > 0)).toBe(true);
  });

  it("is stopped when it is deleted, and comes back as it was left", async () => {
    const { id } = await ask("experiment.start", { workload: preset({ rounds: 10_000 }) });
    await sampled(id);
    expect(await ask("experiment.delete", { ids: [id] })).toBe(1);
    expect((await ask("history.list", {})).total).toBe(0);
    expect((await ask("history.list", { shelf: "trash" })).total).toBe(1);
    expect(await ask("experiment.restore", { ids: [id] })).toBe(1);
    expect((await ask("history.list", {})).rows[0]?.runs.map((run) => run.status)).toEqual(["cancelled", "cancelled"]);
  });

  it.each([
    [
      "an unknown preset",
      { workload: { kind: "preset", name: "nonsense", params: {} } },
      /The presets are commit-table/,
    ],
    ["a size below zero", { workload: preset({ size: -1 }) }, /size: -1 is outside/],
    ["an unknown parameter", { workload: preset({ nosuch: 1 }) }, /no such parameter/],
    ["a token that was never given", { workload: { kind: "file", token: "A".repeat(20) } }, /open/],
  ])("with %s is refused and leaves nothing behind", async (_what, spec, reason) => {
    const answered = await lab.call("experiment.start", spec);
    const error = "error" in answered ? answered.error : undefined;
    expect(error?.badInput).toBe(true);
    expect(`${error?.message} ${error?.why} ${error?.todo}`).toMatch(reason);
    expect((await ask("history.list", {})).total).toBe(0);
  });
});

describe("a sweep", () => {
  const spec = { preset: "commit-table", parameter: "chunk", values: ["1M", "2M", "4M"], params: { size: SIZE } };

  it("runs each value under the default policies as one experiment", async () => {
    const { id } = await ask("sweep.start", spec);
    const done = await ended(id);
    expect(done.sweep).toEqual({ parameter: "chunk", values: [2 ** 20, 2 ** 21, 2 ** 22] });
    expect(done.runs.map((run) => [run.label, run.mode, run.status])).toEqual(
      ["chunk 1M", "chunk 2M", "chunk 4M"].flatMap((label) => [
        [label, "none", "done"],
        [label, "sync", "done"],
      ]),
    );
    const reclaimed = done.runs.filter((run) => run.mode === "sync").map((run) => run.summary?.reclaimed_pte_tables);
    expect(reclaimed).toEqual([0, 512, 512]);
    expect(await ask("sweep.resume", { id })).toEqual({ id });
    expect((await ask("experiment.get", { id })).runs).toHaveLength(6);
    const again = await ask("experiment.again", { id });
    expect(again.id).not.toBe(id);
    const redone = await ended(again.id);
    const told = ({ sweep, title, runs }: Experiment) => ({
      sweep,
      title,
      runs: runs.map(({ label, mode, params, summary }) => ({ label, mode, params, final: summary?.final })),
    });
    expect(told(redone)).toEqual(told(done));
  });

  it("goes over a knob of a policy, with every policy at each value", async () => {
    const { id } = await ask("sweep.start", {
      preset: "commit-table",
      params: { size: SIZE },
      parameter: "scan_interval",
      values: ["1 ms", 100],
      mode: ["none", "async"],
      knobs: { scan_size: "1T" },
    });
    const done = await ended(id);
    expect(done.sweep).toEqual({ parameter: "scan_interval", values: [1, 100] });
    expect(done.params).toMatchObject({ size: SIZE, scan_size: 2 ** 40 });
    expect(done.runs.map(({ label, mode, params }) => [label, mode, params.scan_interval])).toEqual([
      ["scan_interval 1 ms", "none", 1],
      ["scan_interval 1 ms", "async", 1],
      ["scan_interval 100 ms", "none", 100],
      ["scan_interval 100 ms", "async", 100],
    ]);
    const peaks = done.runs.map(({ summary }) => summary?.peak.vmpte_kb ?? 0);
    expect(peaks[1]).toBeLessThan(peaks[3]);
    expect(peaks[0]).toBe(peaks[2]);
    await expect(
      ask("sweep.start", { preset: "commit-table", parameter: "scan_interval", values: [1, 2] }),
    ).rejects.toThrow("it belongs to async; the policies here are none, sync");
  });

  it("that was cancelled goes on with what is missing", async () => {
    const { id } = await ask("sweep.start", { ...spec, params: { size: SIZE, rounds: 20 } });
    await sampled(id);
    await ask("experiment.cancel", { id });
    const cut = await ended(id);
    const missing = cut.runs.filter((run) => run.status !== "done").length;
    expect(missing).toBeGreaterThan(0);
    await ask("sweep.resume", { id });
    const done = await ended(id);
    expect(done.runs).toHaveLength(6 + missing);
    const complete = new Set(done.runs.filter((run) => run.status === "done").map((run) => `${run.label} ${run.mode}`));
    expect(complete.size).toBe(6);
  });

  it("checks every value before anything is stored", async () => {
    const answered = await lab.call("sweep.start", { ...spec, values: ["2M", "5"] });
    expect("error" in answered && answered.error.message).toContain("chunk: 5 is outside");
    expect((await ask("history.list", {})).total).toBe(0);
  });
});
