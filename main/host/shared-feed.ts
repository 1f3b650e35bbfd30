/** A trace that several runs share: one worker reads it, and each run has an end of it. */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { FileTask, ReaderTask } from "../contract/worker.ts";
import { takeWorker } from "./workers.ts";

export interface SharedFeed {
  /** The end of the next run; the first one starts the reader. */
  take(): MessagePort;
  /** One of the runs will not take its end: nobody is to wait for it. */
  drop(): void;
}

export function sharedFeed(workload: FileTask, runs: number, kernel: ReaderTask["kernel"]): SharedFeed {
  const ends: MessagePort[] = [];
  let started = false;

  function start(): void {
    if (started) return;
    const reader = takeWorker();
    started = true;
    const members: MessagePort[] = [];
    for (let i = 0; i < runs; i++) {
      const { port1, port2 } = new MessageChannel();
      members.push(port1);
      ends.push(port2);
    }
    // What it dies of the runs hear: their ends close.
    reader.on("error", () => undefined);
    reader.postMessage({ kind: "reader", workload, kernel, members } satisfies ReaderTask, members);
  }

  const next = (): MessagePort => {
    start();
    const end = ends.pop();
    if (end === undefined) throw new Error("more runs take a share of the trace than there are");
    return end;
  };
  return { take: next, drop: () => next().close() };
}
