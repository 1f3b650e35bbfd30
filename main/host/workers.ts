/**
 * Worker threads for runs. Starting one and loading the engine into it takes longer than a short run does, so the
 * window's host keeps some ready: the first point is then there at once.
 */
import type { Worker } from "node:worker_threads";
import { RESOURCE_LIMITS } from "../worker/room.ts";
import { startThread } from "../worker/thread.ts";

/** The worker's own file: beside this one where built, TypeScript where not. */
const WORKER = import.meta.url.endsWith(".ts")
  ? new URL("../worker/entry.ts", import.meta.url)
  : new URL("./worker.mjs", import.meta.url);

const idle = new Set<Worker>();
let wanted = 0;

function startWorker(): Worker {
  return startThread(WORKER, { resourceLimits: RESOURCE_LIMITS });
}

function refill(): void {
  while (idle.size < wanted) {
    let worker: Worker;
    try {
      worker = startWorker();
    } catch {
      // The run that would have had it starts its own and hears why.
      return;
    }
    idle.add(worker);
    const forget = () => void idle.delete(worker);
    // One that cannot even wait is left out; the run that would have had it starts its own and hears why.
    worker.once("error", forget);
    worker.once("exit", forget);
    worker.unref();
  }
}

/** From now on, so many workers wait for a run. 0: none, and those that wait are ended. */
export async function keepWorkersReady(count: number): Promise<void> {
  wanted = count;
  refill();
  if (count > 0) return;
  const waiting = [...idle];
  idle.clear();
  await Promise.all(waiting.map((worker) => worker.terminate()));
}

/** A worker that waits for its task: a ready one, or a new one. The caller ends it; then the next is made ready. */
export function takeWorker(): Worker {
  const [ready] = idle;
  const worker = ready ?? startWorker();
  if (ready !== undefined) {
    idle.delete(ready);
    ready.removeAllListeners();
    ready.ref();
  }
  worker.once("exit", refill);
  return worker;
}
