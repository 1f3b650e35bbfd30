/** The operations of a workload one after the other, and once more from the first one on. */
import type { Operation } from "../../engine/workload/operation.ts";
import type { MapTask } from "../contract/map.ts";
import { type OperationStream, type ShadowTask, streamOf } from "./prepare.ts";

async function* batchesOf(stream: OperationStream): AsyncGenerator<Iterable<Operation>> {
  if (stream.kind === "operations") yield stream.operations;
  else yield* stream.batches;
}

export class OperationFeed {
  readonly #task: Pick<MapTask, "workload" | keyof ShadowTask>;
  #batches: AsyncGenerator<Iterable<Operation>>;
  #batch: Iterator<Operation> = [][Symbol.iterator]();
  #position = 0;

  /** `stream`: the task's own, at its first operation. */
  constructor(task: Pick<MapTask, "workload" | keyof ShadowTask>, stream: OperationStream) {
    this.#task = task;
    this.#batches = batchesOf(stream);
  }

  /** How many operations were given. */
  get position(): number {
    return this.#position;
  }

  /** The next operation of those that are at hand; null where more have to be fetched: `next` does. */
  nextOfBatch(): Operation | null {
    const next = this.#batch.next();
    if (next.done) return null;
    this.#position++;
    return next.value;
  }

  /** The next operation, null if there is none. Errors: what the workload's file is refused with. */
  async next(): Promise<Operation | null> {
    for (;;) {
      const operation = this.nextOfBatch();
      if (operation !== null) return operation;
      const batch = await this.#batches.next();
      if (batch.done) return null;
      this.#batch = batch.value[Symbol.iterator]();
    }
  }

  async startOver(): Promise<void> {
    await this.#batches.return(undefined);
    this.#batches = batchesOf(await streamOf(this.#task.workload, this.#task));
    this.#batch = [][Symbol.iterator]();
    this.#position = 0;
  }
}
