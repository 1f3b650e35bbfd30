/** The operations of a run whose trace another worker reads (feed.ts). */
import type { MessagePort } from "node:worker_threads";
import type { Operation } from "../../engine/workload/operation.ts";
import { OperationUnpacker, type PackedOperations } from "../../engine/workload/packed-operations.ts";
import { AnsweredError } from "../answer.ts";
import type { LabError } from "../contract.ts";

/** What the reader tells those that it reads for; each operations message is answered once it has been taken. */
export type FeedMessage =
  | ({ readonly kind: "operations" } & PackedOperations)
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly error: LabError };

/** The operations that come through `port`, in batches. Errors: what the reader met; its death. */
export async function* fedBatches(port: MessagePort): AsyncGenerator<Iterable<Operation>> {
  const unpacker = new OperationUnpacker();
  const waiting: FeedMessage[] = [];
  let closed = false;
  let wake: () => void = () => undefined;
  port.on("message", (message: FeedMessage) => {
    waiting.push(message);
    wake();
  });
  port.on("close", () => {
    closed = true;
    wake();
  });
  try {
    for (;;) {
      const message = waiting.shift();
      if (message?.kind === "end") return;
      if (message?.kind === "failed") throw new AnsweredError(message.error);
      if (message !== undefined) {
        yield unpacker.unpack(message);
        port.postMessage({ kind: "taken" });
      } else if (closed) throw new Error("the worker that reads the trace died");
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    port.close();
  }
}
