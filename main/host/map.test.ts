/** The map's replay: one worker at a time, however quickly somebody goes from run to run. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test } from "vitest";
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

test("questions about several runs at once leave one worker, and none when the lab closes", async () => {
  const workload = { kind: "preset", name: "commit-table", params: { size: 2 ** 24 } };
  const started = await lab.call("experiment.start", { workload });
  if (!("result" in started)) return expect.unreachable(started.error.message);
  const { runs } = started.result as { runs: { id: number }[] };
  await ended;
  await expect.poll(() => alive.size, { timeout: 20_000 }).toBe(0);
  for (let round = 0; round < 5; round++)
    await Promise.all(
      [...runs, ...runs].map(({ id }) => lab.call("map.read", { runId: id, operations: 3, cells: 10 })),
    );
  await expect.poll(() => alive.size, { timeout: 20_000 }).toBe(1);
  await lab.close();
  await expect.poll(() => alive.size, { timeout: 20_000 }).toBe(0);
});
