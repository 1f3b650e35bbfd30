/** The page-table map in the lab host: a worker for the run that is looked at, kept while it is. */
import { Worker } from "node:worker_threads";
import * as v from "valibot";
import type { Store } from "../../db/store.ts";
import { BadInputError } from "../../engine/error.ts";
import { AnsweredError } from "../answer.ts";
import {
  type MapAnswer,
  type MapRequest,
  type MapTask,
  mapAnswerSchema,
  type PageMapMessage,
} from "../contract/map.ts";
import type { CheckedParams, Handlers } from "../contract.ts";

/** The worker's own file: beside this one where built, TypeScript where not. */
const WORKER = import.meta.url.endsWith(".ts")
  ? new URL("../worker/map.ts", import.meta.url)
  : new URL("./map-worker.mjs", import.meta.url);

/** Nobody looks for so long: the worker and its memory go. */
const IDLE_MS_MAX = 60_000;

interface Waiting {
  resolve(map: PageMapMessage | null): void;
  reject(error: unknown): void;
}

class Replay {
  readonly runId: number;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  gone = false;

  constructor(runId: number, task: MapTask) {
    this.runId = runId;
    this.#worker = new Worker(WORKER, { workerData: task, name: "map", execArgv: [] });
    this.#worker.on("message", (message: unknown) => this.#receive(v.parse(mapAnswerSchema, message)));
    this.#worker.once("error", (error: unknown) => this.#end(error));
    this.#worker.once("exit", () => this.#end(null));
  }

  ask(request: Omit<MapRequest, "id">): Promise<PageMapMessage | null> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<PageMapMessage | null>();
    this.#waiting.set(id, { resolve, reject });
    this.#worker.postMessage({ id, ...request } satisfies MapRequest);
    return promise;
  }

  async close(): Promise<void> {
    this.#end(null);
    await this.#worker.terminate();
  }

  #receive(answer: MapAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.kind === "map") waiting?.resolve(answer.map);
    else waiting?.reject(new AnsweredError(answer.error));
  }

  /** Questions of a replay that was ended are answered as overtaken; where it died, with what it died of. */
  #end(error: unknown): void {
    this.gone = true;
    for (const waiting of this.#waiting.values()) {
      if (error === null) waiting.resolve(null);
      else waiting.reject(error);
    }
    this.#waiting.clear();
  }
}

export function mapHandlers(store: Store): { readonly handlers: Handlers<"map.read">; close(): Promise<void> } {
  let replay: Replay | undefined;
  let idle: NodeJS.Timeout | undefined;

  async function close(): Promise<void> {
    clearTimeout(idle);
    const ending = replay;
    replay = undefined;
    await ending?.close();
  }

  async function read({ runId, ...request }: CheckedParams<"map.read">): Promise<PageMapMessage | null> {
    if (replay === undefined || replay.gone || replay.runId !== runId) {
      const task = taskOf(store, runId);
      await close();
      replay = new Replay(runId, task);
    }
    clearTimeout(idle);
    idle = setTimeout(() => void close(), IDLE_MS_MAX).unref();
    return replay.ask(request);
  }

  return { handlers: { "map.read": read }, close };
}

function taskOf(store: Store, runId: number): MapTask {
  const run = store.getRun(runId);
  const experiment = store.getExperiment(run.experimentId);
  if (run.source !== "model")
    throw new BadInputError("The kernel does not show its page tables", { todo: "Look at the map of a modelled run" });
  if (experiment.workloadKind !== "preset")
    throw new BadInputError("There is no map of a run of a file", { why: "the file is not kept in the history" });
  return {
    name: experiment.workload,
    // Its own: in a sweep each point has another.
    params: { ...run.params },
    mode: run.mode,
    seed: experiment.seed,
    levels: experiment.levels === 5 ? 5 : 4,
  };
}
