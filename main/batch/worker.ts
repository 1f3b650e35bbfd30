/** A worker of a batch: performs the tasks that it is sent, one after the other, and answers each. */
import { parentPort } from "node:worker_threads";
import { type Performed, perform } from "./perform.ts";
import type { Task } from "./tasks.ts";

export interface BatchRequest {
  readonly task: Task;
  readonly engine: string;
}

const port = parentPort;
if (port === null) throw new Error("this is a worker of a batch, not a program");

let last: Promise<void> = Promise.resolve();
port.on("message", ({ task, engine }: BatchRequest) => {
  last = last.then(async () => {
    const performed: Performed = await perform(task, engine);
    port.postMessage(performed);
  });
});
