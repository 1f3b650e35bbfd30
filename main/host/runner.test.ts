import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DamagedHistoryError, HistoryFullError } from "../../db/errors.ts";
import { openStore, type Store } from "../../db/store.ts";
import { SAMPLE_COLUMNS } from "../../engine/experiment/types.ts";
import { toLabError } from "../answer.ts";
import type { EventPayload } from "../contract.ts";
import type { Ending, Execution, OnBatch } from "./execution.ts";
import { hostFacts } from "./facts.ts";
import { createRunner } from "./runner.ts";

let folder: string;
let store: Store;
let endings: EventPayload<"run.ended">[];
let told: EventPayload<"runs.dropped">[];
let logged: unknown[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "runner-"));
  store = openStore(join(folder, "history.sqlite"));
  endings = [];
  told = [];
  logged = [];
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function queuedRun(): { runId: number; experimentId: number } {
  const { id } = store.createExperiment({
    title: "test",
    workload: "commit-table",
    workloadKind: "preset",
    params: {},
    seed: 1,
    levels: 4,
  });
  const run = store.startRun(id, { source: "model", mode: "sync", facts: hostFacts(null), status: "queued" });
  return { runId: run.id, experimentId: id };
}

function runnerOver(over: Store) {
  return createRunner(
    over,
    (name, payload) => {
      if (name === "run.ended") endings.push(payload as EventPayload<"run.ended">);
      if (name === "runs.dropped") told.push(payload as EventPayload<"runs.dropped">);
    },
    (error) => logged.push(error),
  );
}

/** A run that gives one batch and ends as the batch went. */
function oneBatch(onBatch: OnBatch): Execution {
  const rows = new Float64Array(SAMPLE_COLUMNS.length);
  let ending: Ending = { status: "done", summary: null };
  try {
    onBatch({ rows, progress: { operations: 0, operationsTotal: 1, operationsPerSecond: 0 } });
  } catch (error) {
    ending = { status: "failed", error: toLabError(error) };
  }
  return { stop: () => {}, ended: Promise.resolve(ending) };
}

const full = () => {
  throw new HistoryFullError("history.sqlite");
};

it("ends a run as failed when the disk is full, and says so", async () => {
  const runner = runnerOver({ ...store, appendSamples: full });
  runner.add({ ...queuedRun(), alone: false, begin: oneBatch });
  await expect.poll(() => endings.length).toBe(1);
  expect(endings[0]).toMatchObject({ status: "failed" });
  expect(endings[0]?.reason).toContain("The disk is full");
});

it("tells the end of a run also where not even that can be stored, and stores it when there is room again", async () => {
  let room = false;
  const whenRoom: Store["finishRun"] = (...end) => (room ? store.finishRun(...end) : full());
  const runner = runnerOver({ ...store, appendSamples: full, finishRun: whenRoom });
  const run = queuedRun();
  runner.add({ ...run, alone: false, begin: oneBatch });
  await expect.poll(() => endings.length).toBe(1);
  expect(endings[0]).toMatchObject({ id: run.runId, status: "failed" });
  expect(endings[0]?.reason).toContain("The disk is full");
  expect(runner.isBusy(run.experimentId)).toBe(false);
  const stored = store.getRun(run.runId);
  expect(stored.status).toBe("running");
  expect(runner.asTold(stored)).toMatchObject({ status: "failed", reason: endings[0]?.reason });
  room = true;
  await expect.poll(() => store.getRun(run.runId)).toMatchObject({ status: "failed" });
  expect(store.getRun(run.runId).reason).toContain("The disk is full");
  await runner.abandon();
});

it("a run of which only the end could not be stored is done once it can be", async () => {
  let room = false;
  const whenRoom: Store["finishRun"] = (...end) => (room ? store.finishRun(...end) : full());
  const runner = runnerOver({ ...store, finishRun: whenRoom });
  const run = queuedRun();
  runner.add({ ...run, alone: false, begin: oneBatch });
  await expect.poll(() => endings.length).toBe(1);
  expect(endings[0]).toMatchObject({ status: "failed" });
  room = true;
  await expect.poll(() => store.getRun(run.runId).status).toBe("done");
  expect(runner.asTold(store.getRun(run.runId)).status).toBe("done");
  await runner.abandon();
});

it("tells the end of a run also where the history cannot even be read any more", async () => {
  let reads = 0;
  const damaged = () => {
    throw new DamagedHistoryError("history.sqlite", "malformed");
  };
  const getRun: Store["getRun"] = (id) => (reads++ === 0 ? store.getRun(id) : damaged());
  const runner = runnerOver({ ...store, getRun, appendSamples: damaged, finishRun: damaged });
  const run = queuedRun();
  runner.add({ ...run, alone: false, begin: oneBatch });
  await expect.poll(() => endings.length).toBe(1);
  expect(endings[0]).toMatchObject({ id: run.runId, status: "failed" });
  expect(endings[0]?.reason).toContain("damaged");
  await runner.abandon();
});

it("fails a run that cannot be begun, and goes on with the next", async () => {
  let first = true;
  const begin: Store["beginRun"] = (id) => {
    if (!first) return store.beginRun(id);
    first = false;
    return full();
  };
  const runner = runnerOver({ ...store, beginRun: begin });
  runner.add({ ...queuedRun(), alone: false, begin: oneBatch });
  runner.add({ ...queuedRun(), alone: false, begin: oneBatch });
  await expect.poll(() => endings.map((run) => run.status)).toEqual(["failed", "done"]);
});

it("cancels what waits, of several experiments in one, and tells of each; where that cannot be stored, of each by itself", async () => {
  const runner = runnerOver(store);
  // A measured run that goes on keeps the others waiting.
  let stopFirst = (): void => {};
  const first = queuedRun();
  const ending = new Promise<Ending>((resolve) => {
    stopFirst = () => resolve({ status: "cancelled", summary: null });
  });
  runner.add({ ...first, alone: true, begin: () => ({ stop: stopFirst, ended: ending }) });
  const waiting = Array.from({ length: 40 }, () => queuedRun());
  let dropped = 0;
  for (const run of waiting) runner.add({ ...run, alone: false, begin: oneBatch, dropped: () => dropped++ });
  const [kept, ...meant] = waiting;
  expect(runner.busy().length).toBe(41);
  expect(await runner.cancel(...meant.map(({ experimentId }) => experimentId))).toBe(39);
  expect(dropped).toBe(39);
  // Of thousands that never began nobody waits to be told one by one.
  expect(endings).toEqual([]);
  expect(told.map(({ experimentId, runIds }) => [experimentId, runIds])).toEqual(
    meant.map(({ experimentId, runId }) => [experimentId, [runId]]),
  );
  for (const { runId, experimentId } of meant) {
    expect(store.getRun(runId)).toMatchObject({ status: "cancelled", reason: null, summary: null });
    expect(store.getRun(runId).endedAt).toBeGreaterThan(0);
    expect(store.list({ search: "test" }).rows.find(({ id }) => id === experimentId)?.runs).toHaveLength(1);
  }
  expect(runner.busy().sort()).toEqual([first.experimentId, kept.experimentId].sort());
  // All that is left: one that runs, one that waits.
  expect(await runner.cancel(...runner.busy())).toBe(2);
  expect([first, kept].map(({ runId }) => store.getRun(runId).status)).toEqual(["cancelled", "cancelled"]);

  const over = runnerOver({
    ...store,
    cancelQueued: full,
  });
  const blocking = queuedRun();
  over.add({ ...blocking, alone: true, begin: () => ({ stop: () => {}, ended: new Promise(() => {}) }) });
  const last = queuedRun();
  over.add({ ...last, alone: false, begin: oneBatch });
  await over.cancel(last.experimentId);
  expect(store.getRun(last.runId).status).toBe("cancelled");
  expect(logged).toEqual([]);
});
