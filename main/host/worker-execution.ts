/** Runs a workload in a worker thread of its own: through the engine, or through the probe on the running kernel. */
import type { MessagePort } from "node:worker_threads";
import * as v from "valibot";
import { toLabError } from "../answer.ts";
import { type HostMessage, type WorkerTask, workerMessageSchema } from "../contract/worker.ts";
import type { LabError } from "../contract.ts";
import { isOutOfRoom, roomInWords } from "../worker/room.ts";
import type { Ending, Execution, OnBatch } from "./execution.ts";
import { takeWorker } from "./workers.ts";

/** A worker that has not obeyed by then is in the middle of one long operation and is ended from outside. */
const OBEY_MS_MAX = 600;

export function startWorkerRun(task: Omit<WorkerTask, "kind" | "stop">, onBatch: OnBatch): Execution {
  const stop = new SharedArrayBuffer(4);
  const worker = takeWorker();
  let ending: Ending | undefined;
  let force: NodeJS.Timeout | undefined;
  /** Before its first word there is nothing of a modelled run to be kept: it may still be loading. */
  let heard = task.source === "kernel";
  const fail = (error: unknown) => {
    ending ??= { status: "failed", error: toLabError(error) };
    void worker.terminate();
  };

  worker.on("message", (message: unknown) => {
    const checked = v.safeParse(workerMessageSchema, message);
    if (!checked.success) return fail(new Error(`the engine's worker sent a message that is not one: ${message}`));
    const said = checked.output;
    heard = true;
    if (said.kind === "batch") {
      if (ending !== undefined) return;
      try {
        onBatch(said);
        worker.postMessage({ kind: "stored" } satisfies HostMessage);
      } catch (error) {
        fail(error);
      }
    } else if (said.kind === "ended") ending ??= { status: said.status, summary: said.summary };
    else ending ??= { status: "failed", error: said.error };
  });

  const ended = new Promise<Ending>((resolve) => {
    worker.once("error", (error: unknown) => {
      ending ??= { status: "failed", error: crash(error) };
    });
    worker.once("exit", (code) => {
      clearTimeout(force);
      const stopped = Atomics.load(new Int32Array(stop), 0) === 1;
      resolve(
        ending ??
          (stopped
            ? { status: "cancelled", summary: null }
            : { status: "failed", error: crash(new Error(`it ended with exit code ${code}`)) }),
      );
    });
  });

  worker.postMessage(
    { kind: "run", ...task, stop } satisfies WorkerTask,
    task.feed === undefined ? [] : [task.feed as MessagePort],
  );
  return {
    stop() {
      if (force !== undefined) return;
      Atomics.store(new Int32Array(stop), 0, 1);
      force = setTimeout(() => void worker.terminate(), heard ? OBEY_MS_MAX : 0);
    },
    ended,
  };
}

function crash(error: unknown): LabError {
  if (isOutOfRoom(error)) return toLabError(roomInWords(error));
  const why = error instanceof Error ? error.message : String(error);
  return {
    name: "WorkerCrash",
    message: "The engine's worker died",
    why,
    todo: "The samples up to then are kept; run it again, and please report it if it dies again",
  };
}
