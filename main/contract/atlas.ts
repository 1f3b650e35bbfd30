/** A folder of results (or of records of many hosts) in the window: its answers, its rows, and a row run again here. */
import * as v from "valibot";
import { shellToHost, windowToHost, windowToMain } from "./define.ts";
import { countSchema, experimentSchema, nothingSchema, shortTextSchema, tokenSchema } from "./shapes.ts";

const cellSchema = v.union([v.string(), v.number(), v.boolean(), v.null()]);

export const openedAtlasSchema = v.object({
  token: tokenSchema,
  /** The folder's name. */
  name: v.string(),
  /** Parts of results and of samples; records of processes. */
  found: v.object({ results: countSchema, samples: countSchema, inspections: countSchema }),
  /** The policies of its results, in the order of the policies' table; others after them. */
  policies: v.array(v.string()),
  /** What could not be read, in words. */
  problems: v.array(v.string()),
});
export type OpenedAtlas = v.InferOutput<typeof openedAtlasSchema>;

/** One task of the results beside the same task under the baseline. */
export const atlasRowSchema = v.object({
  digest: v.string(),
  workload: v.string(),
  /** JSON, keys sorted. */
  params: v.string(),
  policy: v.string(),
  /** What is set of the policy: JSON, keys sorted. */
  knobs: v.string(),
  profile: v.string(),
  seed: v.number(),
  status: v.picklist(["done", "failed"]),
  reason: v.nullable(v.string()),
  operations: v.nullable(v.number()),
  peak_vmpte_kb: v.nullable(v.number()),
  average_vmpte_kb: v.nullable(v.number()),
  end_vmpte_kb: v.nullable(v.number()),
  /** Of the average VmPTE, against the baseline; null where that is not there. */
  saved_percent: v.nullable(v.number()),
  /** Caller and background together, simulated ns. */
  cost_ns: v.nullable(v.number()),
  engine_version: v.string(),
});
export type AtlasRow = v.InferOutput<typeof atlasRowSchema>;

export const atlasViewSchema = v.object({
  baseline: v.string(),
  /** The built-in questions that something is known about. */
  answers: v.array(
    v.object({ id: v.string(), title: v.string(), columns: v.array(v.string()), rows: v.array(v.array(cellSchema)) }),
  ),
  /** At most ATLAS_ROWS_MAX. */
  rows: v.array(atlasRowSchema),
  /** How many there are. */
  total: countSchema,
});
export type AtlasView = v.InferOutput<typeof atlasViewSchema>;

const atlasTask = { token: tokenSchema, digest: shortTextSchema, baseline: shortTextSchema };

/** `same`: the task has the row's digest here too, so its numbers are the row's. */
const rerunSchema = v.object({ experiment: experimentSchema, same: v.boolean() });

export const atlasCalls = {
  /** Asks for a folder with the system's dialog and opens it; null: the user changed their mind. */
  "atlas.choose": windowToMain(nothingSchema, v.nullable(openedAtlasSchema)),
  /** Opens a folder of results or records in place of the one that is open. Refuses what is neither. */
  "atlas.open": shellToHost(v.object({ path: v.pipe(v.string(), v.nonEmpty()) }), openedAtlasSchema),
  "atlas.view": windowToHost(v.object({ token: tokenSchema, baseline: shortTextSchema }), atlasViewSchema),
  /**
   * Runs a row's task here, under its policy and the baseline. A trace is looked for around the folder, by its bytes; null:
   * it is not there.
   */
  "atlas.run": windowToHost(v.object(atlasTask), v.nullable(rerunSchema)),
  /** The same with the trace that the system's dialog asks for; null: the user changed their mind. */
  "atlas.runWith": windowToMain(v.object(atlasTask), v.nullable(rerunSchema)),
  "atlas.runTrace": shellToHost(v.object({ ...atlasTask, path: v.pipe(v.string(), v.nonEmpty()) }), rerunSchema),
};
