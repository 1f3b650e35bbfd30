/**
 * The map's worker: one run's workload, run again up to the moment that is asked for. Later moments go on from where it
 * stands, earlier ones start over. A newer question ends the work on an older one, which is answered with null.
 */
import { setImmediate as turn } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import * as v from "valibot";
import { watchFreed } from "../../engine/map/freed.ts";
import { readPageMap, readTable } from "../../engine/map/page-map.ts";
import { createKernel } from "../../engine/mm/kernel.ts";
import type { Operation } from "../../engine/workload/operation.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";
import { toLabError } from "../answer.ts";
import {
  type MapAnswer,
  type MapRequest,
  mapRequestSchema,
  mapTaskSchema,
  type PageMapMessage,
} from "../contract/map.ts";

const SLICE_MS = 20;
const LOOK_EVERY = 256;

const port = parentPort;
if (port === null) throw new Error("this is a worker of the lab host, not a program");
const task = v.parse(mapTaskSchema, workerData);

function begin() {
  const preset = findPreset(task.name);
  if (preset === undefined) throw new Error(`there is no preset ${task.name}`);
  const kernel = createKernel({ mode: task.mode, seed: task.seed, config: { levels: task.levels } });
  const freed = watchFreed(kernel.state.tables);
  const operations: Iterator<Operation> = preset.operations(task.params, task.seed)[Symbol.iterator]();
  return { kernel, freed, operations, ended: false };
}

let replay: ReturnType<typeof begin> | undefined;
let newest = -1;

function send(answer: MapAnswer, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(answer, transfer);
}

/** Brings the replay to the moment; false where a newer question came meanwhile. */
async function goTo(operations: number, id: number): Promise<boolean> {
  if (replay === undefined || replay.kernel.operations > operations) replay = begin();
  const at = replay;
  let until = performance.now() + SLICE_MS;
  while (!at.ended && at.kernel.operations < operations) {
    for (let left = LOOK_EVERY; left > 0 && at.kernel.operations < operations; left--) {
      const next = at.operations.next();
      if (next.done) {
        at.ended = true;
        break;
      }
      at.kernel.execute(next.value);
    }
    if (performance.now() < until) continue;
    await turn();
    if (newest !== id) return false;
    until = performance.now() + SLICE_MS;
  }
  return newest === id;
}

async function read(request: MapRequest): Promise<PageMapMessage | null> {
  if (!(await goTo(request.operations, request.id)) || replay === undefined) return null;
  const { kernel, freed } = replay;
  const mm = kernel.state.processes[0];
  const map = readPageMap(kernel.state, mm, freed, request);
  return {
    ...map,
    segments: [...map.segments],
    operations: kernel.operations,
    vmpteKb: kernel.vmpteKb(),
    table: request.table === null ? null : readTable(kernel.state, mm, request.table),
  };
}

/** One at a time: what waits is dropped as soon as something newer waits too. */
let work: Promise<void> = Promise.resolve();

port.on("message", (message: unknown) => {
  const request = v.parse(mapRequestSchema, message);
  newest = request.id;
  work = work.then(async () => {
    try {
      send({ kind: "map", id: request.id, map: newest === request.id ? await read(request) : null });
    } catch (error) {
      send({ kind: "failed", id: request.id, error: toLabError(error) });
    }
  });
});
