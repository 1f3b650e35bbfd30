/** The explorer in the lab host: one search at a time, in a worker thread of its own; schedules as text. */
import * as v from "valibot";
import { counterexampleText, replayText, seriesName } from "../../engine/race/format.ts";
import { raceCases, raceJson, replayResult, SCENARIOS, type Scenario } from "../../engine/race/race.ts";
import { toLabError } from "../answer.ts";
import { type OwnScenario, type RaceScenario, type RaceTask, raceWorkerMessageSchema } from "../contract/race.ts";
import type { CheckedParams, Handlers } from "../contract.ts";
import { writeWhole } from "../export/write-file.ts";
import { casesOf, ownScenario, readScenarioFile, scenarioAmong } from "../race-cases.ts";
import { startThread } from "../worker/thread.ts";
import type { Emit } from "./emit.ts";

/** The worker's own file: beside this one where built, TypeScript where not. */
const WORKER = import.meta.url.endsWith(".ts")
  ? new URL("../worker/races.ts", import.meta.url)
  : new URL("./races-worker.mjs", import.meta.url);

/** A search looks up every 1,024 runs; one that has not obeyed by then is ended from outside. */
const OBEY_MS_MAX = 600;

interface Search {
  stop(): void;
  readonly ended: Promise<void>;
}

type RaceCall = "race.list" | "race.read" | "race.start" | "race.cancel" | "race.text" | "race.write";

/** The handlers of the explorer, and how to end what is under way. */
export function raceHandlers(emit: Emit): { readonly handlers: Handlers<RaceCall>; close(): Promise<void> } {
  let search: Search | undefined;
  /** The one that was opened last first. */
  let own: readonly OwnScenario[] = [];

  async function cancel(): Promise<boolean> {
    if (search === undefined) return false;
    search.stop();
    await search.ended;
    return true;
  }

  return {
    handlers: {
      "race.list": () => [...own.map((each) => ownScenario(each)), ...SCENARIOS].map(toMessage),
      "race.read": async ({ path }) => {
        const read = await readScenarioFile(path);
        own = [read, ...own.filter(({ name }) => name !== read.name)];
        return toMessage(ownScenario(read));
      },
      "race.start": async (query) => {
        const cases = casesOf(query, own).length;
        await cancel();
        const started = startSearch(query, own, emit);
        search = started;
        void started.ended.then(() => {
          if (search === started) search = undefined;
        });
        return cases;
      },
      "race.cancel": cancel,
      "race.text": (exported) => textOf(exported, own),
      "race.write": ({ path, ...exported }) => writeWhole(path, [textOf(exported, own)]),
    },
    close: async () => {
      await cancel();
    },
  };
}

function toMessage(scenario: Scenario): RaceScenario {
  const { name, title, story, lanes, findings } = scenario;
  return {
    name,
    title,
    story,
    lanes: lanes.map((lane) => lane.name),
    cases: raceCases([scenario], null).map(({ mode, without }) => ({
      mode,
      without,
      kernel: seriesName({ mode, without }),
      finding: without === null ? "" : (findings[without] ?? ""),
    })),
  };
}

function textOf(exported: CheckedParams<"race.text">, own: readonly OwnScenario[]): string {
  const { scenario: name, mode, without, cpus, format } = exported;
  const scenario = scenarioAmong(own, name);
  const { result, steps, finished } = replayResult(scenario, without, cpus, mode);
  if (format === "json") return `${JSON.stringify(raceJson([result]), null, 2)}\n`;
  if (result.violation !== null) return `${counterexampleText(scenario, result, result.violation)}\n`;
  return `${replayText(scenario, result, steps, finished)}\n`;
}

function startSearch(query: RaceTask["query"], own: readonly OwnScenario[], emit: Emit): Search {
  const stop = new SharedArrayBuffer(4);
  const worker = startThread(WORKER, {
    workerData: { query, own: [...own], stop } satisfies RaceTask,
    name: "race",
  });
  let over = false;
  let force: NodeJS.Timeout | undefined;
  const end = (status: "done" | "cancelled" | "failed", error: unknown): void => {
    if (over) return;
    over = true;
    emit("race.ended", { status, error: error === null ? null : toLabError(error) });
  };
  worker.on("message", (message: unknown) => {
    const checked = v.safeParse(raceWorkerMessageSchema, message);
    if (!checked.success) {
      end("failed", new Error("the explorer's worker sent a message that is not one"));
      void worker.terminate();
      return;
    }
    const said = checked.output;
    if (over) return;
    if (said.kind === "progressed") {
      const { kind: _kind, ...progress } = said;
      emit("race.progressed", progress);
    } else if (said.kind === "tried") emit("race.tried", said.result);
    else if (said.kind === "ended") end(said.status, null);
    else {
      over = true;
      emit("race.ended", { status: "failed", error: said.error });
    }
  });
  worker.once("error", (error: unknown) => end("failed", error));
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", (code) => {
      clearTimeout(force);
      const stopped = Atomics.load(new Int32Array(stop), 0) === 1;
      end(
        stopped ? "cancelled" : "failed",
        stopped ? null : new Error(`the explorer's worker ended with code ${code}`),
      );
      resolve();
    });
  });
  return {
    stop() {
      if (force !== undefined) return;
      Atomics.store(new Int32Array(stop), 0, 1);
      force = setTimeout(() => void worker.terminate(), OBEY_MS_MAX);
    },
    ended,
  };
}
