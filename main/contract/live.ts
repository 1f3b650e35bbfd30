/** The live machine: running processes and what their page tables hold. Documents are those of engine/live. */
import * as v from "valibot";
import { CAUSES } from "../../engine/live/split.ts";
import { shellToHost, windowToHost } from "./define.ts";
import { countSchema, experimentSchema, nothingSchema } from "./shapes.ts";

const kb = v.number();
const pid = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const splitSchema = v.object(v.entriesFromList(CAUSES, kb));

const tablesSchema = v.object({
  upper: v.object({ min: countSchema, max: countSchema }),
  in_use: countSchema,
  sparse: countSchema,
  deposited: countSchema,
  pinned: countSchema,
  shared: countSchema,
  empty: v.object({ min: countSchema, estimate: countSchema, max: countSchema }),
});

const sharedFileSchema = v.object({
  file: v.string(),
  processes: countSchema,
  tables: countSchema,
  kb,
  one_copy_kb: kb,
  huge_kb: kb,
});

const topRowSchema = v.object({
  pid,
  name: v.string(),
  vmpte_kb: kb,
  rss_kb: kb,
  moving: v.boolean(),
  tables: tablesSchema,
  split: splitSchema,
});
export type LiveRow = v.InferOutput<typeof topRowSchema>;

const topSchema = v.object({
  page_tables_kb: kb,
  explained_kb: kb,
  processes: v.array(topRowSchema),
  not_readable: countSchema,
  not_readable_kb: kb,
  split: splitSchema,
  shared: v.array(sharedFileSchema),
  took_ms: v.number(),
  /** Memory of the machine. */
  memory_kb: kb,
  /** Share of one core that the looks take, window and lab host apart; null at the first. */
  cost: v.nullable(v.number()),
  /** When to ask again so that it stays small. */
  next_ms: v.number(),
});
export type LiveTop = v.InferOutput<typeof topSchema>;

const mappingSchema = v.object({
  start: v.number(),
  end: v.number(),
  name: v.string(),
  in_use: countSchema,
  sparse: countSchema,
  deposited: countSchema,
  pinned: countSchema,
  empty: countSchema,
});

const processSchema = v.object({
  pid,
  name: v.string(),
  kernel: v.string(),
  moving: v.boolean(),
  took_ms: v.number(),
  vmpte_kb: kb,
  rss_kb: kb,
  virt_kb: kb,
  tables: tablesSchema,
  mappings: v.array(mappingSchema),
  shared: v.array(sharedFileSchema),
  causes: v.array(v.object({ cause: v.picklist(CAUSES), kb, advice: v.string() })),
  split: splitSchema,
  verdict: v.object({
    problem: v.picklist(["yes", "little", "no"]),
    sentences: v.array(v.string()),
    next: v.array(v.string()),
  }),
});

const hours = v.nullable(v.number());
const forecastSchema = v.object({
  observations: countSchema,
  hours: v.number(),
  kbPerHour: v.object({ low: v.number(), median: v.number(), high: v.number() }),
  hoursToLimit: v.nullable(v.object({ soonest: hours, median: hours, latest: hours })),
});

const inspectedSchema = v.object({
  document: processSchema,
  /** VmPTE of the last minutes, in kB, the newest last; seconds before now. */
  line: v.array(v.object({ secondsAgo: v.number(), vmpteKb: kb })),
  /** From what was kept of this process; null: too little. */
  forecast: v.nullable(forecastSchema),
});
export type LiveProcess = v.InferOutput<typeof inspectedSchema>;

const LIVE_CELLS_MAX = 20_000;

const pictureSchema = v.object({
  segments: v.array(v.object({ slot: countSchema, slots: countSchema })),
  total: countSchema,
  from: countSchema,
  count: countSchema,
  cells: countSchema,
  counts: v.instance(Uint32Array),
});

export const liveCalls = {
  /** Every process of this machine; what did not change since the last call is not looked at again. */
  "live.top": windowToHost(nothingSchema, topSchema),
  /** One process, closely; told of meanwhile by live.progressed. Refuses what may not be looked at, in words. */
  "live.inspect": windowToHost(v.object({ pid }), inspectedSchema),
  /** The tables of the process that was inspected last, as cells; null: it is another by now. */
  "live.picture": windowToHost(
    v.object({
      pid,
      from: v.optional(countSchema, 0),
      count: v.optional(countSchema, 0),
      cells: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIVE_CELLS_MAX)),
    }),
    v.nullable(pictureSchema),
  ),
  /** Looks once more and puts that into the history, with the last minutes as its line. */
  "live.keep": windowToHost(v.object({ pid }), experimentSchema),
  /** The same of several processes, by name or control group. */
  "live.keepService": shellToHost(
    v.variant("kind", [
      v.object({ kind: v.literal("name"), pattern: v.string() }),
      v.object({ kind: v.literal("cgroup"), path: v.string() }),
    ]),
    experimentSchema,
  ),
};

export const liveEvents = {
  "live.progressed": v.object({ pid, share: v.number() }),
} as const;
