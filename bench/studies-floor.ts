/** A thread that performs tasks and does nothing else: what a batch is held to. */
import { parentPort, workerData } from "node:worker_threads";
import { perform } from "../main/batch/perform.ts";
import type { Task } from "../main/batch/tasks.ts";

const { tasks, engine } = workerData as { readonly tasks: readonly Task[]; readonly engine: string };
for (const task of tasks) {
  const { row } = await perform(task, engine);
  if (row.status !== "done") throw new Error(`a task failed: ${row.reason}`);
}
parentPort?.postMessage("done");
