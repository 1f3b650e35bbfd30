/**
 * The map's worker: one run's workload, run again up to the moment that is asked for. Later moments go on from where it
 * stands, earlier ones start over. A newer question ends the work on an older one, which is answered with null.
 */
import { setImmediate as turn } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import * as v from "valibot";
import { watchFreed } from "../../engine/map/freed.ts";
import { readPageMap, readTable } from "../../engine/map/page-map.ts";
import type { Operation } from "../../engine/workload/operation.ts";
import { toLabError } from "../answer.ts";
import {
  type MapAnswer,
  type MapRequest,
  mapRequestSchema,
  mapTaskSchema,
  type PageMapMessage,
} from "../contract/map.ts";
import { type OperationStream, prepareKernel } from "./prepare.ts";
import { roomInWords } from "./room.ts";

const SLICE_MS = 20;
const LOOK_EVERY = 256;

const port = parentPort;
if (port === null) throw new Error("this is a worker of the lab host, not a program");
const task = v.parse(mapTaskSchema, workerData);

/** The operations, a batch at a time. */
async function* batchesOf(stream: OperationStream): AsyncGenerator<Iterable<Operation>> {
  if (stream.kind === "operations") yield stream.operations;
  else yield* stream.batches;
}

async function begin() {
  const { kernel, process, stream } = await prepareKernel(task.workload, task);
  return {
    kernel,
    process,
    freed: watchFreed(kernel.state.tables),
    batches: batchesOf(stream),
    operations: [][Symbol.iterator]() as Iterator<Operation>,
  };
}

type Replay = Awaited<ReturnType<typeof begin>>;

let replay: Replay | undefined;
let newest = -1;

function send(answer: MapAnswer, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(answer, transfer);
}

/** The next operation, null where there is none. */
async function nextOperation(at: Replay): Promise<Operation | null> {
  for (;;) {
    const next = at.operations.next();
    if (!next.done) return next.value;
    const batch = await at.batches.next();
    if (batch.done) return null;
    at.operations = batch.value[Symbol.iterator]();
  }
}

/** Brings the replay to the moment; null where a newer question came meanwhile. */
async function goTo(operations: number, id: number): Promise<Replay | null> {
  if (replay === undefined || replay.kernel.operations > operations) {
    await replay?.batches.return(undefined);
    replay = await begin();
  }
  const at = replay;
  let until = performance.now() + SLICE_MS;
  while (at.kernel.operations < operations) {
    for (let left = LOOK_EVERY; left > 0 && at.kernel.operations < operations; left--) {
      const next = at.operations.next();
      const operation = next.done ? await nextOperation(at) : next.value;
      if (operation === null) return newest === id ? at : null;
      at.process.execute(operation);
    }
    if (performance.now() < until) continue;
    await turn();
    if (newest !== id) return null;
    until = performance.now() + SLICE_MS;
  }
  return newest === id ? at : null;
}

async function read(request: MapRequest): Promise<PageMapMessage | null> {
  const at = await goTo(request.operations, request.id);
  if (at === null) return null;
  const { kernel, process, freed } = at;
  const mm = kernel.state.processes[process.followed()];
  const map = readPageMap(kernel.state, mm, freed, request);
  return {
    ...map,
    segments: [...map.segments],
    operations: kernel.operations,
    vmpteKb: process.vmpteKb(),
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
      send({ kind: "failed", id: request.id, error: toLabError(roomInWords(error)) });
    }
  });
});
