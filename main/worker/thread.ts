/** Threads for work beside: each is one of the processes that the system counts for a user. */
import { Worker, type WorkerOptions } from "node:worker_threads";
import { ReclaimLabError } from "../../engine/error.ts";

/** A thread that runs `file`. Throws ReclaimLabError where the system has none left. */
export function startThread(file: URL, options: WorkerOptions = {}): Worker {
  try {
    return new Worker(file, { execArgv: [], ...options });
  } catch (error) {
    throw new ReclaimLabError("No more threads can be started", {
      why: error instanceof Error ? error.message : String(error),
      todo: "End other programs, or raise the limit of processes: `ulimit -u`, or pids.max of the container",
      cause: error,
    });
  }
}
