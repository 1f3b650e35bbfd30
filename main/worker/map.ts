/**
 * The map's worker: one run's workload, run again up to the moment that is asked for. Later moments go on from where it
 * stands, earlier ones from a checkpoint that was passed on the way. A newer question ends the work on an older one, which
 * is answered with null.
 */
import { setImmediate as turn } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import * as v from "valibot";
import { watchFreed } from "../../engine/map/freed.ts";
import { readPageMap, readTable } from "../../engine/map/page-map.ts";
import { takeSnapshot } from "../../engine/map/snapshot.ts";
import { toLabError } from "../answer.ts";
import {
  type MapAnswer,
  type MapRequest,
  mapRequestSchema,
  mapTaskSchema,
  type PageMapMessage,
} from "../contract/map.ts";
import { type Checkpoint, Checkpoints } from "./checkpoints.ts";
import { OperationFeed } from "./operation-feed.ts";
import { prepareKernel } from "./prepare.ts";

const SLICE_MS = 20;
const LOOK_EVERY = 256;
/** What checkpoints may take of memory, together. */
const CHECKPOINT_BYTES_MAX = 256 * 2 ** 20;
/** A checkpoint after so much work, or after three times what the last one cost: the way there is never much longer for them. */
const CHECKPOINT_EVERY_MS = 300;
const CHECKPOINT_COST_SHARE = 3;
const TELL_EVERY_MS = 100;

const port = parentPort;
if (port === null) throw new Error("this is a worker of the lab host, not a program");
const task = v.parse(mapTaskSchema, workerData);

function send(answer: MapAnswer): void {
  port?.postMessage(answer);
}

/** A kernel that stands at some moment of the run, and the moments that it can go back to. */
class Replay {
  readonly kernel: Awaited<ReturnType<typeof prepareKernel>>["kernel"];
  readonly process: Awaited<ReturnType<typeof prepareKernel>>["process"];
  readonly freed: ReturnType<typeof watchFreed>;
  readonly #feed: OperationFeed;
  readonly #checkpoints: Checkpoints;
  /** Work since the last checkpoint that was passed. */
  #spentMs = 0;
  #checkpointMs = 0;
  /** An operation was refused in its midst: what is there is of no moment. */
  #broken = false;

  constructor({ kernel, process, stream }: Awaited<ReturnType<typeof prepareKernel>>) {
    this.kernel = kernel;
    this.process = process;
    this.freed = watchFreed(kernel.state.tables);
    this.#feed = new OperationFeed(task, stream);
    this.#checkpoints = new Checkpoints(this.#checkpoint(), CHECKPOINT_BYTES_MAX);
  }

  #checkpoint(): Checkpoint {
    const start = performance.now();
    const { kernel, process, freed } = this;
    const snapshot = takeSnapshot([kernel, kernel.state, kernel.state.tables, freed.marks]);
    this.#checkpointMs = performance.now() - start;
    return { operations: kernel.operations, process: process.followed(), snapshot };
  }

  async #goBackTo({ operations, process, snapshot }: Checkpoint): Promise<void> {
    snapshot.restore();
    this.process.goBackTo(process);
    this.#broken = false;
    this.#spentMs = 0;
    if (this.#feed.position > operations) await this.#feed.startOver();
  }

  /** Brings the kernel to the moment (or to the run's end before it); false where `overtaken` says so meanwhile. */
  async goTo(operations: number, overtaken: () => boolean): Promise<boolean> {
    const { kernel } = this;
    const nearest = this.#checkpoints.upTo(operations);
    if (this.#broken || kernel.operations > operations || nearest.operations > kernel.operations)
      await this.#goBackTo(nearest);
    const start = this.#feed.position;
    let looked = performance.now();
    let told = looked;
    let until = looked + SLICE_MS;
    while (kernel.operations < operations) {
      if (!(await this.#someOperations(operations))) break;
      const now = performance.now();
      this.#spentMs += now - looked;
      looked = now;
      const due = this.#spentMs >= Math.max(CHECKPOINT_EVERY_MS, CHECKPOINT_COST_SHARE * this.#checkpointMs);
      if (due && this.#checkpoints.wants(kernel.operations)) {
        this.#checkpoints.add(this.#checkpoint(), this.#spentMs);
        this.#spentMs = 0;
        looked = performance.now();
      }
      if (looked < until) continue;
      if (looked - told >= TELL_EVERY_MS) {
        told = looked;
        send({ kind: "progress", share: (this.#feed.position - start) / (operations - start) });
      }
      await turn();
      if (overtaken()) return false;
      looked = performance.now();
      until = looked + SLICE_MS;
    }
    return !overtaken();
  }

  /** Some of the operations up to a moment; those that the kernel has done already are passed over. False: there are no more. */
  async #someOperations(end: number): Promise<boolean> {
    const { kernel, process } = this;
    for (let left = LOOK_EVERY; left > 0 && kernel.operations < end; left--) {
      const isDone = this.#feed.position < kernel.operations;
      const operation = this.#feed.nextOfBatch() ?? (await this.#feed.next());
      if (operation === null) return false;
      if (isDone) continue;
      try {
        process.execute(operation);
      } catch (error) {
        this.#broken = true;
        throw error;
      }
    }
    return true;
  }
}

let replay: Replay | undefined;
let newest = -1;

async function read(request: MapRequest): Promise<PageMapMessage | null> {
  replay ??= new Replay(await prepareKernel(task.workload, task));
  if (!(await replay.goTo(request.operations, () => newest !== request.id))) return null;
  const { kernel, process, freed } = replay;
  const mm = kernel.state.processes[process.followed()];
  const map = readPageMap(kernel.state, mm, freed, request);
  return {
    ...map,
    segments: [...map.segments],
    operations: kernel.operations,
    vmpteKb: process.vmpteKb(),
    table: request.table === null ? null : readTable(kernel.state, mm, request.table),
  };
}

/** One at a time: what waits is dropped as soon as something newer waits too. */
let work: Promise<void> = Promise.resolve();

port.on("message", (message: unknown) => {
  const request = v.parse(mapRequestSchema, message);
  newest = request.id;
  work = work.then(async () => {
    try {
      send({ kind: "map", id: request.id, map: newest === request.id ? await read(request) : null });
    } catch (error) {
      send({ kind: "failed", id: request.id, error: toLabError(error) });
    }
  });
});
