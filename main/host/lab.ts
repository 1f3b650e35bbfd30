/**
 * The lab: the history file, the runs under way, and the answer to every call of the contract that is the host's.
 * Window and command line use this one. No Electron here.
 */
import * as v from "valibot";
import type { HistoryError } from "../../db/errors.ts";
import { openStore } from "../../db/store.ts";
import { answer } from "../answer.ts";
import { experimentSpecSchema } from "../contract/shapes.ts";
import { type Answer, CALLS, type Handlers, type LabCallName } from "../contract.ts";
import { checkInBackground } from "./background-check.ts";
import type { Emit } from "./emit.ts";
import { historyHandlers, watchHistory } from "./history.ts";
import { createRunner } from "./runner.ts";

export interface LabOptions {
  /** The history file; made if there is none. */
  readonly file: string;
  readonly emit: Emit;
  /** What is not meant for the user: faults of the program itself. */
  readonly log: (error: unknown) => void;
  /** The history turned out to be damaged while it was open. */
  readonly onDamage?: (error: HistoryError) => void;
  /** Looks at every page of a big history while it is used: for a lab that is open for long. */
  readonly checkMeanwhile?: boolean;
}

export interface Lab {
  call(name: LabCallName, params: unknown): Promise<Answer<unknown>>;
  /** Loads what the first run needs, while nobody waits for it. */
  getReady(): Promise<void>;
  /** Stops what is under way, marks it interrupted and closes the file; may be called twice. */
  close(): Promise<void>;
}

/** A part of the lab: loaded and made when it is first needed, as starting is to be quick. */
interface Part<T> {
  (): Promise<T>;
  /** What was made, or is being made. */
  made?: Promise<T>;
}

function part<T>(make: () => Promise<T>): Part<T> {
  const get: Part<T> = () => {
    get.made ??= make();
    return get.made;
  };
  return get;
}

type CallsOf<Group extends string> = Extract<LabCallName, `${Group}.${string}`>;

/** The calls that begin with `group`, answered by handlers that are loaded with the first of them. */
function whenCalled<Group extends string>(
  group: Group,
  load: () => Promise<Handlers<CallsOf<Group>>>,
): Handlers<CallsOf<Group>> {
  const names = Object.keys(CALLS).filter((name): name is CallsOf<Group> => name.startsWith(`${group}.`));
  const later = (name: CallsOf<Group>) => async (params: never) => (await load())[name](params);
  return Object.fromEntries(names.map((name) => [name, later(name)])) as Handlers<CallsOf<Group>>;
}

/** Opens the history and the lab over it. Throws the errors of db/errors.ts. */
export function openLab({ file, emit, log, onDamage, checkMeanwhile = false }: LabOptions): Lab {
  const store = openStore(file, onDamage === undefined ? {} : { onDamage });
  const runner = createRunner(store, emit, log);
  const races = part(async () => (await import("./races.ts")).raceHandlers(emit));
  const maps = part(async () => (await import("./map.ts")).mapHandlers(store, emit));
  const live = part(async () => (await import("./live.ts")).liveHandlers(store, emit));
  const sweeps = part(async () => (await import("./sweeps.ts")).createSweeps(store, runner, emit));
  const files = part(async () => (await import("./files.ts")).createFiles());
  const experiments = part(async () => {
    const { experimentHandlers } = await import("./experiments.ts");
    return experimentHandlers(store, runner, await files(), await sweeps(), emit);
  });
  const atlases = part(async () => {
    const { atlasHandlers } = await import("./atlases.ts");
    const { "experiment.start": start } = await experiments();
    return atlasHandlers(await files(), (spec) => start(v.parse(experimentSpecSchema, spec)));
  });
  const recordings = part(async () => {
    const { createRecordings } = await import("./recordings.ts");
    return createRecordings(store.file, await files(), emit);
  });
  const trials = part(async () => (await import("./trials.ts")).trialHandlers(store, runner, emit));
  const stopWatching = watchHistory(store, emit, log);
  const stopChecking =
    checkMeanwhile && !store.checked ? checkInBackground(file, store.foundDamaged, log) : () => undefined;
  let closing: Promise<void> | undefined;

  function close(): Promise<void> {
    stopWatching();
    stopChecking();
    const open = [live, atlases, races, maps, recordings];
    closing ??= Promise.all([runner.abandon(), ...open.map(async ({ made }) => (await made)?.close())])
      .then(() => undefined)
      .finally(() => store.close());
    return closing;
  }

  const handlers: Handlers<LabCallName> = {
    "doctor.look": async () => (await import("./look.ts")).lookBeside(store.file),
    "preset.list": async () => {
      const { PRESETS, presetInfo } = await import("../../engine/workload/presets/index.ts");
      return v.parse(CALLS["preset.list"].result, PRESETS.map(presetInfo));
    },
    "run.samples": async (query) => (await import("./samples.ts")).readSamples(store, query),
    "export.write": async ({ path, ...choice }) => {
      const { exportToFile, sheetToFile } = await import("../export/export.ts");
      return "sheet" in choice
        ? sheetToFile(store, choice, path)
        : exportToFile(store, choice.experimentId, choice, path);
    },
    "host.close": async () => {
      await close();
      return undefined;
    },
    ...historyHandlers(store, runner, emit),
    ...whenCalled("live", async () => (await live()).handlers),
    ...whenCalled("map", async () => (await maps()).handlers),
    ...whenCalled("race", async () => (await races()).handlers),
    ...whenCalled("sweep", async () => (await sweeps()).handlers),
    ...whenCalled("trial", trials),
    ...whenCalled("atlas", async () => (await atlases()).handlers),
    ...whenCalled("record", async () => (await recordings()).handlers),
    ...whenCalled("experiment", experiments),
    ...whenCalled("file", experiments),
  };

  return {
    call: (name, params) => answer(handlers, name, params, log),
    getReady: async () => void (await experiments()),
    close,
  };
}
