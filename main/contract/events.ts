/** Every event that the host (or main) tells. A name is `group.happened`. */
import * as v from "valibot";
import { desktopEvents } from "./desktop.ts";
import { liveEvents } from "./live.ts";
import { mapEvents } from "./map.ts";
import { raceEvents } from "./race.ts";
import { recordEvents } from "./record.ts";
import {
  countSchema,
  descriptionSchema,
  idSchema,
  labErrorSchema,
  runProgressSchema,
  runSchema,
  sampleBlockSchema,
  startedExperimentSchema,
} from "./shapes.ts";

export const EVENTS = {
  "experiment.started": startedExperimentSchema,
  /** Its title, tags, notes or marks are others. */
  "experiment.described": descriptionSchema,
  /** A batch of samples of a run under way, all columns, in order and without gaps; committed before it is told. */
  "run.sampled": v.object({
    experimentId: idSchema,
    runId: idSchema,
    fromSeq: countSchema,
    samples: sampleBlockSchema,
    progress: runProgressSchema,
  }),
  /** Done, cancelled, failed or interrupted: the run as it is stored. */
  "run.ended": runSchema,
  /** Queued runs were cancelled before they began, all of an experiment at once. */
  "runs.dropped": v.object({ experimentId: idSchema, runIds: v.array(idSchema), endedAt: countSchema }),
  /** Rows came, went or changed their text; ask for the list again. */
  "history.changed": v.object({ ids: v.array(idSchema) }),
  ...raceEvents,
  ...liveEvents,
  ...recordEvents,
  ...mapEvents,
  ...desktopEvents,
  /** The lab host died and was started again: runs that were under way are marked interrupted. */
  "host.restarted": v.object({ reason: v.string() }),
  /** The lab host is gone for good, or could not start. */
  "host.failed": labErrorSchema,
  /** The native menu or the desktop asks the window for something; the window decides what it means in its view. */
  "app.command": v.object({
    command: v.picklist([
      "new-experiment",
      "run",
      "cancel",
      "open-file",
      "export-csv",
      "export-json",
      "export-png",
      "export-svg",
      "back-up-history",
      "restore-history",
      "import-history",
      "check-history",
      "find",
      "delete",
      "undo",
      "shortcuts",
      "doctor",
      "toggle-theme",
    ]),
  }),
} as const;
