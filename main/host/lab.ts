/**
 * The lab: the history file, the runs under way, and the answer to every call of the contract that is the host's.
 * Window and command line use this one. No Electron here.
 */
import * as v from "valibot";
import type { HistoryError } from "../../db/errors.ts";
import { openStore } from "../../db/store.ts";
import { PRESETS, presetInfo } from "../../engine/workload/presets/index.ts";
import { answer } from "../answer.ts";
import { experimentSpecSchema } from "../contract/shapes.ts";
import { type Answer, CALLS, type Handlers, type LabCallName } from "../contract.ts";
import { atlasHandlers } from "./atlases.ts";
import { checkInBackground } from "./background-check.ts";
import { lookAround } from "./doctor.ts";
import type { Emit } from "./emit.ts";
import { experimentHandlers } from "./experiments.ts";
import { createFiles } from "./files.ts";
import { historyHandlers, watchHistory } from "./history.ts";
import { liveHandlers } from "./live.ts";
import { mapHandlers } from "./map.ts";
import { raceHandlers } from "./races.ts";
import { createRecordings } from "./recordings.ts";
import { createRunner } from "./runner.ts";
import { readSamples } from "./samples.ts";
import { createSweeps } from "./sweeps.ts";
import { trialHandlers } from "./trials.ts";

export interface LabOptions {
  /** The history file; made where there is none. */
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
  /** Stops what is under way, marks it interrupted and closes the file; may be called twice. */
  close(): Promise<void>;
}

/** Opens the history and the lab over it. Throws the errors of db/errors.ts. */
export function openLab({ file, emit, log, onDamage, checkMeanwhile = false }: LabOptions): Lab {
  const store = openStore(file, onDamage === undefined ? {} : { onDamage });
  const runner = createRunner(store, emit, log);
  const races = raceHandlers(emit);
  const maps = mapHandlers(store, emit);
  const live = liveHandlers(store, emit);
  const sweeps = createSweeps(store, runner, emit);
  const files = createFiles();
  const experiments = experimentHandlers(store, runner, files, sweeps, emit);
  const atlases = atlasHandlers(files, (spec) => experiments["experiment.start"](v.parse(experimentSpecSchema, spec)));
  const recordings = createRecordings(store.file, files, emit);
  const stopWatching = watchHistory(store, emit, log);
  const stopChecking =
    checkMeanwhile && !store.checked ? checkInBackground(file, store.foundDamaged, log) : () => undefined;
  let closing: Promise<void> | undefined;

  function close(): Promise<void> {
    stopWatching();
    stopChecking();
    live.close();
    atlases.close();
    closing ??= Promise.all([runner.abandon(), races.close(), maps.close(), recordings.close()])
      .then(() => undefined)
      .finally(() => store.close());
    return closing;
  }

  const handlers: Handlers<LabCallName> = {
    "doctor.look": () => lookAround(store.file),
    "preset.list": () => v.parse(CALLS["preset.list"].result, PRESETS.map(presetInfo)),
    "run.samples": (query) => readSamples(store, query),
    "export.write": async ({ experimentId, path, ...options }) => {
      // Drawing needs a canvas: loaded when something is drawn.
      const { exportToFile } = await import("../export/export.ts");
      return exportToFile(store, experimentId, options, path);
    },
    "host.close": async () => {
      await close();
      return undefined;
    },
    ...historyHandlers(store, runner, emit),
    ...live.handlers,
    ...maps.handlers,
    ...races.handlers,
    ...sweeps.handlers,
    ...trialHandlers(store, runner, emit),
    ...atlases.handlers,
    ...recordings.handlers,
    ...experiments,
  };

  return { call: (name, params) => answer(handlers, name, params, log), close };
}
