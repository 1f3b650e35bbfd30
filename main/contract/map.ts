/** The page tables of a modelled run at any moment of it: made by running its workload again up to there. */
import * as v from "valibot";
import { windowToHost } from "./define.ts";
import { countSchema, idSchema, kernelProfileSchema, labErrorSchema, modeSchema, paramsSchema } from "./shapes.ts";
import { workloadTaskSchema } from "./worker.ts";

const CELLS_MAX = 20_000;

const mapQuerySchema = v.object({
  runId: idSchema,
  /** The moment: after so many operations. */
  operations: countSchema,
  /** Which slots of 2 MiB, counted along the mapped address space; count 0: all. */
  from: v.optional(countSchema, 0),
  count: v.optional(countSchema, 0),
  cells: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(CELLS_MAX)),
  /** The slot (address / 2 MiB) whose 512 entries are wanted too. */
  table: v.optional(v.nullable(countSchema), null),
});

/** Of a run's tables, and of a live process'. */
export const pictureSchema = v.object({
  /** Stretches of slots without a gap, in the order of their addresses. */
  segments: v.array(v.object({ slot: countSchema, slots: countSchema })),
  total: countSchema,
  from: countSchema,
  count: countSchema,
  cells: countSchema,
  /** cells x (full, partly, empty, huge, freed, none): slots in that state. */
  counts: v.instance(Uint32Array),
});

export const pageMapSchema = v.object({
  operations: countSchema,
  vmpteKb: countSchema,
  ...pictureSchema.entries,
  /** 512 entries: none, page, zero page, swap, other; null: no table, or none asked for. */
  table: v.nullable(v.instance(Uint8Array)),
});
export type PageMapMessage = v.InferOutput<typeof pageMapSchema>;

export const mapCalls = {
  /**
   * null: a later question of this kind went before this one. Refuses measured runs, and runs of a file that is gone or has
   * changed since.
   */
  "map.read": windowToHost(mapQuerySchema, v.nullable(pageMapSchema)),
};

export const mapEvents = {
  /** The workload is run again up to the moment that was asked for last; `share`: how much of the way is done, 0..1. */
  "map.progressed": v.object({ runId: idSchema, share: v.number() }),
} as const;

/** What the worker of the map is started with, is asked, and answers. */
export const mapTaskSchema = v.object({
  workload: workloadTaskSchema,
  mode: modeSchema,
  seed: v.number(),
  levels: v.picklist([4, 5]),
  profile: kernelProfileSchema,
  knobs: paramsSchema,
});
export type MapTask = v.InferOutput<typeof mapTaskSchema>;

export const mapRequestSchema = v.object({ id: countSchema, ...v.omit(mapQuerySchema, ["runId"]).entries });
export type MapRequest = v.InferOutput<typeof mapRequestSchema>;

export const mapAnswerSchema = v.variant("kind", [
  /** On the way there. */
  v.object({ kind: v.literal("progress"), share: v.number() }),
  v.object({ kind: v.literal("map"), id: countSchema, map: v.nullable(pageMapSchema) }),
  v.object({ kind: v.literal("failed"), id: countSchema, error: labErrorSchema }),
]);
export type MapAnswer = v.InferOutput<typeof mapAnswerSchema>;
