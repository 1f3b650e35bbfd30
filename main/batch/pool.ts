/**
 * Worker threads that perform tasks. Each has a few waiting, so that none is ever idle; one that dies takes the task that it was
 * at with it, as a failed row, and a new one goes on with the rest. Where the system gives no more threads, those that are there do.
 */
import type { Worker } from "node:worker_threads";
import { RESOURCE_LIMITS } from "../worker/room.ts";
import { startThread } from "../worker/thread.ts";
import { failedTask, type Performed } from "./perform.ts";
import type { Task } from "./tasks.ts";
import type { BatchRequest } from "./worker.ts";

/** The worker's own file: beside this one where built, TypeScript where not. */
const WORKER = import.meta.url.endsWith(".ts")
  ? new URL("./worker.ts", import.meta.url)
  : new URL("./batch-worker.mjs", import.meta.url);

const WAITING_EACH = 4;

export interface PoolOptions {
  readonly jobs: number;
  readonly engine: string;
  /** What a task has become. An error that is thrown here ends the pool. */
  readonly onPerformed: (performed: Performed) => void;
  readonly signal: AbortSignal;
}

/**
 * Performs the tasks; resolves when all are answered or the signal came. Errors: what `onPerformed` throws; ReclaimLabError where
 * there is not one thread.
 */
export async function performAll(tasks: readonly Task[], options: PoolOptions): Promise<void> {
  const { jobs, engine, onPerformed, signal } = options;
  let next = 0;
  /** Of threads that died, and that nobody has taken on. */
  const returned: Task[] = [];
  let answered = 0;
  if (tasks.length === 0 || signal.aborted) return;
  /** What gives each thread all that may wait for it. */
  const workers = new Map<Worker, () => void>();
  try {
    await new Promise<void>((resolve, reject) => {
      const answer = (performed: Performed) => {
        answered++;
        try {
          onPerformed(performed);
        } catch (error) {
          reject(error as Error);
          return;
        }
        if (answered === tasks.length) resolve();
      };
      const start = () => {
        let worker: Worker;
        try {
          worker = startThread(WORKER, { resourceLimits: RESOURCE_LIMITS });
        } catch (error) {
          if (workers.size === 0) reject(error as Error);
          for (const fill of workers.values()) fill();
          return;
        }
        const mine: Task[] = [];
        const fill = () => {
          while (mine.length < WAITING_EACH) {
            const task = returned.shift() ?? (next < tasks.length ? tasks[next++] : undefined);
            if (task === undefined) return;
            mine.push(task);
            worker.postMessage({ task, engine } satisfies BatchRequest);
          }
        };
        workers.set(worker, fill);
        worker.on("message", (performed: Performed) => {
          mine.shift();
          fill();
          answer(performed);
        });
        let died = "";
        worker.on("error", (error) => {
          died = error instanceof Error && "code" in error ? String(error.code) : String(error);
        });
        worker.on("exit", () => {
          if (!workers.delete(worker) || signal.aborted) return;
          const [at, ...rest] = mine;
          returned.push(...rest);
          if (returned.length > 0 || next < tasks.length) start();
          const room = died === "ERR_WORKER_OUT_OF_MEMORY";
          const reason = room ? "it needs more memory than a run may have" : `the engine's worker died (${died})`;
          if (at !== undefined) answer(failedTask(at, engine, reason));
        });
        fill();
      };
      signal.addEventListener("abort", () => resolve(), { once: true });
      for (let i = 0; i < Math.min(jobs, tasks.length); i++) start();
    });
  } finally {
    const ending = [...workers.keys()];
    workers.clear();
    await Promise.all(ending.map((worker) => worker.terminate()));
  }
}
