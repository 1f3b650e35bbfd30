/**
 * Every call between the processes. A name is `group.verb`, the group being a thing of the lab in the singular.
 * A new call is one line in its group here and one handler where it is answered; nothing else changes.
 */
import * as v from "valibot";
import { POLICY_IDS } from "../../engine/experiment/policies.ts";
import { atlasCalls } from "./atlas.ts";
import { chartViewSchema } from "./chart-view.ts";
import { shellToHost, windowToHost, windowToMain } from "./define.ts";
import { desktopCalls } from "./desktop.ts";
import { historyCalls } from "./history.ts";
import { liveCalls } from "./live.ts";
import { mapCalls } from "./map.ts";
import { plainRecord } from "./plain-keys.ts";
import { raceCalls } from "./race.ts";
import { recordCalls } from "./record.ts";
import { rescueCalls } from "./rescue.ts";
import {
  countSchema,
  experimentSchema,
  experimentSpecSchema,
  exportFormatSchema,
  factSchema,
  idSchema,
  idsSchema,
  modesSchema,
  notesSchema,
  nothingSchema,
  openedFileSchema,
  presetSchema,
  sampleBlockSchema,
  sampleQuerySchema,
  settingsSchema,
  tagsSchema,
  titleSchema,
  tokenSchema,
  whatIfSchema,
} from "./shapes.ts";
import { sheetOriginSchema, sheetSchema } from "./sheet.ts";
import { sweepCalls } from "./sweeps.ts";
import { trialCalls } from "./trials.ts";

/** The program itself and its window. */
const app = {
  "app.info": windowToMain(
    nothingSchema,
    v.object({
      version: v.string(),
      electron: v.string(),
      platform: v.string(),
      /** The history file, to be read by people. */
      history: v.string(),
    }),
  ),
  /** Opens a documented source in the system's browser; https only, after the system's own confirmation dialog. */
  "app.openLink": windowToMain(v.object({ url: v.pipe(v.string(), v.maxLength(2000), v.url()) }), v.boolean()),
  "app.getSettings": windowToMain(nothingSchema, settingsSchema),
  /** Gives the settings as they then are. */
  "app.setSettings": windowToMain(v.partial(settingsSchema), settingsSchema),
};

const doctor = {
  /** What this machine has: kernel, compiler, display, runtime. Looks anew at each call. */
  "doctor.look": windowToHost(nothingSchema, v.array(factSchema)),
};

const preset = {
  "preset.list": windowToHost(nothingSchema, v.array(presetSchema)),
};

const experiment = {
  /** Checks all of the spec, stores experiment and runs, starts them, and gives the experiment at once. */
  "experiment.start": windowToHost(experimentSpecSchema, experimentSchema),
  /** How long the measured runs of a preset will take on this machine, in ms; null where none of its policies is measured. */
  "experiment.estimate": windowToHost(
    v.object({
      preset: v.string(),
      params: plainRecord(v.string(), v.union([v.string(), v.number(), v.boolean()])),
      mode: v.array(v.picklist(POLICY_IDS)),
      seed: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 1),
    }),
    v.nullable(countSchema),
  ),
  /** Ends the runs that are under way, within a second; their samples stay. Gives how many were ended. */
  "experiment.cancel": windowToHost(v.object({ id: idSchema }), countSchema),
  /** The same for all experiments. */
  "experiment.cancelAll": windowToHost(nothingSchema, countSchema),
  /** The same workload, parameters and seed as a new experiment; of a file with the program's releases changed (`whatIf`), or under other policies (`mode`). */
  "experiment.again": windowToHost(
    v.object({ id: idSchema, whatIf: v.optional(whatIfSchema), mode: v.optional(modesSchema) }),
    experimentSchema,
  ),
  /** Experiments of the same process of the same file and with the same settings, its releases as they are or changed; the oldest first. */
  "experiment.changed": windowToHost(v.object({ id: idSchema }), v.array(experimentSchema)),
  "experiment.get": windowToHost(v.object({ id: idSchema }), experimentSchema),
  /** Changes what people say about an experiment; what is absent stays. */
  "experiment.describe": windowToHost(
    v.object({
      id: idSchema,
      title: v.optional(titleSchema),
      tags: v.optional(tagsSchema),
      notes: v.optional(notesSchema),
      pinned: v.optional(v.boolean()),
      archived: v.optional(v.boolean()),
    }),
    experimentSchema,
  ),
  /** To the trash; running ones are cancelled first. Gives how many were moved. */
  "experiment.delete": windowToHost(v.object({ ids: idsSchema }), countSchema),
  /** Back from the trash. */
  "experiment.restore": windowToHost(v.object({ ids: idsSchema }), countSchema),
};

const file = {
  /** Opens and surveys a trace or workload file; its token can be run until the host ends. Refuses other files. */
  "file.open": shellToHost(
    v.object({
      path: v.pipe(v.string(), v.nonEmpty()),
      /** Default: detected. */
      format: v.optional(openedFileSchema.entries.format),
    }),
    openedFileSchema,
  ),
};

const run = {
  "run.samples": windowToHost(sampleQuerySchema, sampleBlockSchema),
};

/** What an export holds, and how its charts look. */
const exportChoice = {
  experimentId: idSchema,
  format: exportFormatSchema,
  /** Of charts. */
  theme: v.optional(v.picklist(["light", "dark"]), "light"),
  /** Of charts: logarithmic y axis. */
  log: v.optional(v.boolean(), false),
  /** What charts show (default: VmPTE over operations, the whole run). */
  view: v.optional(chartViewSchema, {}),
};

/** The same of a view that is no chart of lines: what is seen, drawn as it is given. */
const sheetChoice = {
  sheet: sheetSchema,
  origin: sheetOriginSchema,
  format: v.picklist(["png", "svg"]),
  theme: v.optional(v.picklist(["light", "dark"]), "light"),
};
const choiceSchema = v.union([v.object(exportChoice), v.object(sheetChoice)]);
const pathSchema = v.pipe(v.string(), v.nonEmpty());

const exported = {
  /** Asks where with the system's dialog and writes there. `file`: its name (no path); null: the user changed their mind. */
  "export.save": windowToMain(choiceSchema, v.object({ file: v.nullable(v.string()) })),
  /** Writes an export where it can be dragged out of the window from; gives its token. */
  "export.stage": windowToMain(choiceSchema, tokenSchema),
  /** Begins the system's drag of a staged export; the pointer must be down. */
  "export.drag": windowToMain(v.object({ token: tokenSchema }), nothingSchema),
  /** Writes to a path by way of a temporary file beside it. Gives the bytes written. */
  "export.write": shellToHost(
    v.union([
      v.object({
        ...exportChoice,
        /** Of CSV and JSON: these runs alone (default: all). */
        runs: v.optional(idsSchema),
        path: pathSchema,
      }),
      v.object({ ...sheetChoice, path: pathSchema }),
    ]),
    countSchema,
  ),
};

const host = {
  /** Cancels nothing: commits what is there, marks what is under way interrupted, closes the file. */
  "host.close": shellToHost(nothingSchema, nothingSchema),
};

export const CALLS = {
  ...app,
  ...doctor,
  ...preset,
  ...experiment,
  ...file,
  ...desktopCalls,
  ...run,
  ...historyCalls,
  ...rescueCalls,
  ...exported,
  ...atlasCalls,
  ...recordCalls,
  ...liveCalls,
  ...mapCalls,
  ...raceCalls,
  ...sweepCalls,
  ...trialCalls,
  ...host,
} as const;
