/**
 * One trace for several runs: a worker reads and parses it once, and passes the operations on to each of the runs' workers,
 * packed (engine/workload/packed-operations.ts), each batch once in shared memory. It waits for the slowest.
 */
import type { MessagePort } from "node:worker_threads";
import { OperationPacker } from "../../engine/workload/packed-operations.ts";
import { toLabError } from "../answer.ts";
import type { FileTask } from "../contract/worker.ts";
import type { FeedMessage } from "./fed.ts";
import { type ShadowTask, streamOf } from "./prepare.ts";

/** Batches that a run may be behind the reader. */
const BEHIND_MAX = 8;

class Member {
  readonly port: MessagePort;
  #behind = 0;
  #wake: () => void = () => undefined;
  open = true;

  constructor(port: MessagePort) {
    this.port = port;
    port.on("message", () => {
      this.#behind--;
      this.#wake();
    });
    // Its run has ended, however.
    port.on("close", () => {
      this.open = false;
      this.#wake();
    });
  }

  send(message: FeedMessage): void {
    if (this.open) this.port.postMessage(message);
    this.#behind++;
  }

  async ready(): Promise<void> {
    while (this.open && this.#behind >= BEHIND_MAX)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }
}

/** Reads the trace to its end for the runs at the other ends of `ports`, as long as one of them goes on. */
export async function feed(workload: FileTask, ports: readonly MessagePort[], kernel: ShadowTask): Promise<void> {
  const members = ports.map((port) => new Member(port));
  const tell = (message: FeedMessage): void => {
    for (const member of members) member.send(message);
  };
  try {
    const stream = await streamOf(workload, kernel);
    if (stream.kind !== "batches") throw new Error("a file is read in batches");
    const packer = new OperationPacker();
    for await (const batch of stream.batches) {
      for (const member of members) await member.ready();
      if (members.every((member) => !member.open)) return;
      tell({ kind: "operations", ...packer.pack([...batch]) });
    }
    tell({ kind: "end" });
  } catch (error) {
    tell({ kind: "failed", error: toLabError(error) });
  }
  for (const { port } of members) port.close();
}
