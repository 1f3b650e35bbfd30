/** The page-table map in the lab host: a worker for the run that is looked at, kept while it is. */
import type { Worker } from "node:worker_threads";
import * as v from "valibot";
import type { Store } from "../../db/store.ts";
import { BadInputError } from "../../engine/error.ts";
import { withoutKnobs } from "../../engine/experiment/knobs.ts";
import { AnsweredError } from "../answer.ts";
import {
  type MapAnswer,
  type MapRequest,
  type MapTask,
  mapAnswerSchema,
  type PageMapMessage,
} from "../contract/map.ts";
import type { CheckedParams, Handlers } from "../contract.ts";
import { RESOURCE_LIMITS, roomInWords } from "../worker/room.ts";
import { startThread } from "../worker/thread.ts";
import type { Emit } from "./emit.ts";
import { keptFile } from "./kept-file.ts";
import { profileAgain } from "./profiles.ts";

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
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  readonly #progressed: (share: number) => void;
  gone = false;

  constructor(task: MapTask, progressed: (share: number) => void) {
    this.#progressed = progressed;
    this.#worker = startThread(WORKER, { workerData: task, name: "map", resourceLimits: RESOURCE_LIMITS });
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
    if (answer.kind === "progress") {
      if (!this.gone) this.#progressed(answer.share);
      return;
    }
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
      else waiting.reject(roomInWords(error));
    }
    this.#waiting.clear();
  }
}

export function mapHandlers(
  store: Store,
  emit: Emit,
): { readonly handlers: Handlers<"map.read">; close(): Promise<void> } {
  /** The run that is looked at; its replay is made once its workload is known to be there. */
  let current: { readonly runId: number; readonly replay: Promise<Replay> } | undefined;
  let idle: NodeJS.Timeout | undefined;

  async function close(): Promise<void> {
    clearTimeout(idle);
    const ending = current;
    current = undefined;
    await (await ending?.replay.catch(() => undefined))?.close();
  }

  function begin(runId: number): Promise<Replay> {
    const ended = close();
    const replay = ended.then(async () => {
      const task = await taskOf(store, runId);
      return new Replay(task, (share) => emit("map.progressed", { runId, share }));
    });
    const beginning = { runId, replay };
    current = beginning;
    replay.catch(() => {
      if (current === beginning) current = undefined;
    });
    return replay;
  }

  async function read({ runId, ...request }: CheckedParams<"map.read">): Promise<PageMapMessage | null> {
    let replay = await (current?.runId === runId ? current.replay : begin(runId));
    if (replay.gone) replay = await begin(runId);
    clearTimeout(idle);
    idle = setTimeout(() => void close(), IDLE_MS_MAX).unref();
    return replay.ask(request);
  }

  return { handlers: { "map.read": read }, close };
}

async function taskOf(store: Store, runId: number): Promise<MapTask> {
  const run = store.getRun(runId);
  const { workload, workloadKind, levels, detail } = store.getExperiment(run.experimentId);
  if (run.source !== "model")
    throw new BadInputError("The page tables of a measured run are not recorded", {
      todo: "Look at the map of a modelled run",
    });
  // The run's own parameters: in a sweep each point has others.
  const { own, knobs } = withoutKnobs(run.params);
  return {
    workload:
      workloadKind === "preset"
        ? { kind: "preset", name: workload, params: { ...own } }
        : (await keptFile(workload, detail)).task,
    mode: run.mode,
    seed: run.seed,
    levels: levels === 5 ? 5 : 4,
    profile: { ...profileAgain(run.kernelProfile) },
    knobs: { ...knobs },
  };
}
