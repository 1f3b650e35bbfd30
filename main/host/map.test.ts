/** The map's replay: one worker at a time, however quickly somebody goes from run to run. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PageMapMessage } from "../contract/map.ts";
import { type Lab, openLab } from "./lab.ts";

let folder: string;
let lab: Lab;
let ended: Promise<void>;
const alive = new Set<Worker>();
const count = (worker: Worker): void => {
  alive.add(worker);
  worker.once("exit", () => alive.delete(worker));
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reclaim-lab-map-"));
  const { promise, resolve } = Promise.withResolvers<void>();
  ended = promise;
  let left = 2;
  lab = openLab({
    file: join(folder, "history.sqlite"),
    emit: (name) => {
      if (name === "run.ended" && --left === 0) resolve();
    },
    log: (error) => expect.unreachable(String(error)),
  });
  process.on("worker", count);
});
afterEach(async () => {
  process.off("worker", count);
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

const TABLES = 3000;

/** A sweep over memory, there and back, long enough that moments are kept on the way. */
async function started(rounds = 60): Promise<{ readonly id: number; readonly operations: number }> {
  const workload = { kind: "preset", name: "commit-table", params: { size: TABLES * 2 ** 21, rounds } };
  const answer = await lab.call("experiment.start", { workload });
  if (!("result" in answer)) return expect.unreachable(answer.error.message);
  const { runs } = answer.result as { runs: { id: number }[] };
  await ended;
  const read = await lab.call("experiment.get", { id: (answer.result as { id: number }).id });
  if (!("result" in read)) return expect.unreachable(read.error.message);
  const [run] = (read.result as { runs: { summary: { operations: number } }[] }).runs;
  return { id: runs[0].id, operations: run.summary.operations };
}

async function mapAt(runId: number, operations: number, table: number | null = null): Promise<PageMapMessage> {
  const answer = await lab.call("map.read", { runId, operations, cells: 100, table });
  if (!("result" in answer)) return expect.unreachable(answer.error.message);
  return answer.result as PageMapMessage;
}

test("a moment that was passed is the same again, whichever way one comes to it", async () => {
  const { id, operations } = await started();
  const end = await mapAt(id, operations);
  const slot = end.segments[0].slot;
  const moments = [0.93, 0.11, 0.55, 0.54, 0, 1, 0.31].map((share) => Math.round(share * operations));
  const back: PageMapMessage[] = [];
  for (const moment of moments) back.push(await mapAt(id, moment, slot));
  // Somebody looks for the first time, and only goes forward.
  await lab.close();
  lab = openLab({
    file: join(folder, "history.sqlite"),
    emit: () => undefined,
    log: (error) => expect.unreachable(String(error)),
  });
  const forward = new Map<number, PageMapMessage>();
  for (const moment of moments.toSorted((a, b) => a - b)) forward.set(moment, await mapAt(id, moment, slot));
  for (const [i, moment] of moments.entries()) {
    expect(back[i]).toEqual(forward.get(moment));
    expect(back[i].operations).toBe(moment);
  }
});

test("a newer question ends the work on an older one, and the way is told", async () => {
  // As soon as the way is told the newer question is asked: the older one has most of its way before it.
  const { id, operations } = await started(400);
  const told: number[] = [];
  const asked = Promise.withResolvers<PageMapMessage>();
  await lab.close();
  lab = openLab({
    file: join(folder, "history.sqlite"),
    emit: (name, payload) => {
      if (name !== "map.progressed") return;
      if (told.push((payload as { share: number }).share) === 1) mapAt(id, 5).then(asked.resolve, asked.reject);
    },
    log: (error) => expect.unreachable(String(error)),
  });
  expect(await lab.call("map.read", { runId: id, operations, cells: 100 })).toEqual({ result: null });
  expect((await asked.promise).operations).toBe(5);
  for (const share of told) expect(share).toBeGreaterThan(0);
  for (const share of told) expect(share).toBeLessThanOrEqual(1);
});

test("questions about several runs at once leave one worker, and none when the lab closes", async () => {
  const workload = { kind: "preset", name: "commit-table", params: { size: 2 ** 24 } };
  const started = await lab.call("experiment.start", { workload });
  if (!("result" in started)) return expect.unreachable(started.error.message);
  const { runs } = started.result as { runs: { id: number }[] };
  await ended;
  await expect.poll(() => alive.size).toBe(0);
  for (let round = 0; round < 5; round++)
    await Promise.all(
      [...runs, ...runs].map(({ id }) => lab.call("map.read", { runId: id, operations: 3, cells: 10 })),
    );
  await expect.poll(() => alive.size).toBe(1);
  await lab.close();
  await expect.poll(() => alive.size).toBe(0);
});
