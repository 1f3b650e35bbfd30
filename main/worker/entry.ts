/**
 * The engine worker: one run, driven in slices, its samples sent to the host in batches. The host answers each batch
 * once it is stored; with too many unanswered the worker waits, so that no queue grows without bound.
 */
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { type MessagePort, parentPort } from "node:worker_threads";
import * as v from "valibot";
import { run } from "../../engine/experiment/run.ts";
import { type RunProgress, SAMPLE_COLUMNS, type SampleRow } from "../../engine/experiment/types.ts";
import { toLabError } from "../answer.ts";
import { anyTaskSchema, type WorkerMessage, type WorkerTask } from "../contract/worker.ts";
import { crashIfAsked } from "./fault.ts";
import { feed } from "./feed.ts";
import { giveWay } from "./give-way.ts";
import { runOnKernel } from "./measured.ts";
import { prepare } from "./prepare.ts";
import { roomInWords } from "./room.ts";

/** How often a batch is sent, at least; the first goes at once. */
const SEND_EVERY_MS = 100;
const UNANSWERED_MAX = 4;
const WIDTH = SAMPLE_COLUMNS.length;

const port = parentPort;
if (port === null) throw new Error("this is a worker of the lab host, not a program");

let unanswered = 0;

function send(message: WorkerMessage, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

function pack(samples: readonly SampleRow[]): Float64Array<ArrayBuffer> {
  const rows = new Float64Array(samples.length * WIDTH);
  for (const [i, row] of samples.entries()) rows.set(row, i * WIDTH);
  return rows;
}

function sendBatch(samples: readonly SampleRow[], progress: RunProgress): void {
  const rows = pack(samples);
  unanswered++;
  send({ kind: "batch", count: samples.length, rows, progress }, [rows.buffer]);
}

async function roomForMore(): Promise<void> {
  while (unanswered >= UNANSWERED_MAX) await once(port as NonNullable<typeof port>, "message");
}

async function measure(task: WorkerTask, stop: Int32Array): Promise<void> {
  const { outcome, summary } = await runOnKernel(task, stop, async (samples, progress) => {
    sendBatch(samples, progress);
    await roomForMore();
  });
  send({ kind: "ended", status: outcome, summary });
}

async function main(): Promise<void> {
  // The first message is the task, every later one says that a batch is stored.
  const [asked]: unknown[] = await once(port as NonNullable<typeof port>, "message");
  port?.on("message", () => {
    unanswered--;
  });
  const task = v.parse(anyTaskSchema, asked);
  if (task.kind === "reader") return feed(task.workload, task.members as MessagePort[], task.kernel);
  const stop = new Int32Array(task.stop);
  if (task.source === "kernel") return measure(task, stop);
  giveWay();
  const prepared = await prepare(task);
  const going = run({
    ...prepared,
    now: () => performance.now(),
    cancelled: () => Atomics.load(stop, 0) === 1,
    breathe: async () => {
      await turn();
      await roomForMore();
    },
  });
  let waiting: SampleRow[] = [];
  let lastProgress: RunProgress = { operations: 0, operationsTotal: prepared.operationsTotal, operationsPerSecond: 0 };
  let sentAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const step = await going.next();
    if (step.done) {
      if (waiting.length > 0) sendBatch(waiting, lastProgress);
      send({ kind: "ended", status: step.value.outcome, summary: step.value.summary });
      return;
    }
    const { samples, progress } = step.value;
    for (const row of samples) waiting.push(row);
    lastProgress = progress;
    crashIfAsked(progress.operations);
    if (performance.now() - sentAt >= SEND_EVERY_MS) {
      sendBatch(waiting, progress);
      waiting = [];
      sentAt = performance.now();
    }
  }
}

main()
  .catch((error: unknown) => send({ kind: "failed", error: toLabError(roomInWords(error)) }))
  .finally(() => port.close());
