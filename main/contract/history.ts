/** Calls about the history as a whole: its list, its copies, its health. */
import * as v from "valibot";
import { shellToHost, windowToHost, windowToMain } from "./define.ts";
import { countSchema, historyPageSchema, historyQuerySchema, idsSchema, nothingSchema } from "./shapes.ts";

const path = v.pipe(v.string(), v.nonEmpty());

const mergedSchema = v.object({
  /** What was added. */
  experiments: countSchema,
  runs: countSchema,
  samples: countSchema,
  /** Experiments of the other history that were here already. */
  known: countSchema,
});

const healthSchema = v.object({
  ok: v.boolean(),
  /** What is wrong, at most 100. */
  problems: v.array(v.string()),
  experiments: countSchema,
  runs: countSchema,
  samples: countSchema,
});

export const historyCalls = {
  "history.list": windowToHost(historyQuerySchema, historyPageSchema),
  /** Reads all of the file and says whether it is sound. */
  "history.check": windowToHost(nothingSchema, healthSchema),
  /** Removes for good what is in the trash: these, or all. Gives how many went. */
  "history.purge": windowToHost(v.object({ ids: v.optional(idsSchema) }), countSchema),

  /** Asks where with the system's dialog and writes a copy there. `file`: its name; null: the user changed their mind. */
  "history.saveBackup": windowToMain(nothingSchema, v.object({ file: v.nullable(v.string()) })),
  /**
   * Asks for a backup and whether to go on, and makes the history what the backup is. `kept`: name of the copy of what
   * it was; null: the user changed their mind.
   */
  "history.openBackup": windowToMain(nothingSchema, v.object({ kept: v.nullable(v.string()) })),
  /** Asks for another history and adds what is not here; null: the user changed their mind. */
  "history.openOther": windowToMain(nothingSchema, v.nullable(mergedSchema)),

  /** Writes a whole copy while the history is in use. */
  "history.backup": shellToHost(v.object({ path }), nothingSchema),
  /** Makes the history what a backup is; gives the path of the copy of what it was. */
  "history.replace": shellToHost(v.object({ path }), v.string()),
  /** Adds what another history has and this one has not. */
  "history.merge": shellToHost(v.object({ path }), mergedSchema),
};
