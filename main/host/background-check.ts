/** Looks at every page of a big history beside its use: in a worker, so that nobody waits for it. */
import type { Worker } from "node:worker_threads";
import * as v from "valibot";
import { DamagedHistoryError, type HistoryError } from "../../db/errors.ts";
import { type CheckTask, checkResultSchema } from "../contract/worker.ts";
import { startThread } from "../worker/thread.ts";

/** The worker's own file: beside this one where built, TypeScript where not. */
const WORKER = import.meta.url.endsWith(".ts")
  ? new URL("../worker/check.ts", import.meta.url)
  : new URL("./check-worker.mjs", import.meta.url);

/** The window has drawn itself by then. */
const BEGIN_AFTER_MS = 2000;

const underWay = new Set<Worker>();

/** A check cannot be interrupted: a process that ends in order waits for it, unless it is killed. */
export function isChecking(): boolean {
  return underWay.size > 0;
}

/**
 * Begins soon; `onDamage` is called where the file is not sound, nothing where it is. Gives the function that makes it
 * forget about it.
 */
export function checkInBackground(
  file: string,
  onDamage: (error: HistoryError) => void,
  log: (error: unknown) => void,
): () => void {
  let stopped = false;
  const timer = setTimeout(() => {
    let worker: Worker;
    try {
      worker = startThread(WORKER, { workerData: { file } satisfies CheckTask, name: "check" });
    } catch (error) {
      // It is checked when the history is opened next.
      log(error);
      return;
    }
    underWay.add(worker);
    worker.unref();
    worker.once("message", (message: unknown) => {
      const { problem } = v.parse(checkResultSchema, message);
      if (problem !== null && !stopped) onDamage(new DamagedHistoryError(file, problem));
    });
    worker.once("error", log);
    worker.once("exit", () => underWay.delete(worker));
  }, BEGIN_AFTER_MS).unref();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
