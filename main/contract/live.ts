/** The live machine: running processes and what their page tables hold. Documents are those of engine/live. */
import * as v from "valibot";
import { ALLOCATORS } from "../../engine/experiment/allocator-settings.ts";
import { CAUSES } from "../../engine/live/split.ts";
import { windowToHost } from "./define.ts";
import { pictureSchema } from "./map.ts";
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

const serviceRowSchema = v.object({
  name: v.string(),
  pids: v.array(pid),
  vmpte_kb: kb,
  rss_once_kb: kb,
  empty: tablesSchema.entries.empty,
  split: splitSchema,
});
export type LiveServiceRow = v.InferOutput<typeof serviceRowSchema>;

const topSchema = v.object({
  page_tables_kb: kb,
  explained_kb: kb,
  processes: v.array(topRowSchema),
  not_readable: countSchema,
  not_readable_kb: kb,
  split: splitSchema,
  shared: v.array(sharedFileSchema),
  services: v.array(serviceRowSchema),
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

const causesSchema = v.array(v.object({ cause: v.picklist(CAUSES), kb, advice: v.string() }));
const verdictSchema = v.object({
  problem: v.picklist(["yes", "little", "no"]),
  sentences: v.array(v.string()),
  remedies: v.array(
    v.object({ what: v.string(), kb: v.nullable(kb), note: v.string(), source: v.exactOptional(v.string()) }),
  ),
  next: v.array(v.string()),
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
  causes: causesSchema,
  split: splitSchema,
  verdict: verdictSchema,
  started_ms: v.nullable(v.number()),
  allocators: v.array(v.picklist(ALLOCATORS)),
});

const totalSchema = v.object({
  processes: countSchema,
  not_readable: countSchema,
  vmpte_kb: kb,
  rss_kb: kb,
  tables: tablesSchema,
  causes: causesSchema,
  split: splitSchema,
  verdict: verdictSchema,
});

const hours = v.nullable(v.number());
const forecastSchema = v.object({
  observations: countSchema,
  hours: v.number(),
  kbPerHour: v.nullable(v.object({ low: v.number(), median: v.number(), high: v.number() })),
  hoursToLimit: v.nullable(v.object({ soonest: hours, median: hours, latest: hours })),
});

const inspectedSchema = v.object({
  document: processSchema,
  /** VmPTE of the last minutes, in kB, the newest last; seconds before now. */
  line: v.array(v.object({ secondsAgo: v.number(), vmpteKb: kb })),
  /** From what was kept of this process; null: nothing was. */
  forecast: v.nullable(forecastSchema),
});
export type LiveProcess = v.InferOutput<typeof inspectedSchema>;

const inspectedServiceSchema = v.object({
  name: v.string(),
  took_ms: v.number(),
  processes: v.array(processSchema),
  shared: v.array(sharedFileSchema),
  total: totalSchema,
  forecast: v.nullable(forecastSchema),
});
export type LiveService = v.InferOutput<typeof inspectedServiceSchema>;

const serviceTarget = v.variant("kind", [
  /** As they are called in the list. */
  v.object({ kind: v.literal("named"), name: v.string() }),
  v.object({ kind: v.literal("name"), pattern: v.string() }),
  v.object({ kind: v.literal("cgroup"), path: v.string() }),
]);

const LIVE_CELLS_MAX = 20_000;

export const liveCalls = {
  /** Every process of this machine; what did not change since the last call is not looked at again. */
  "live.top": windowToHost(nothingSchema, topSchema),
  /**
   * One process, closely; told of meanwhile by live.progressed. Refuses what may not be looked at, in words. `watched`: all
   * looks at it from now on belong to its line, else those of the last minutes.
   */
  "live.inspect": windowToHost(v.object({ pid, watched: v.optional(v.boolean(), false) }), inspectedSchema),
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
  /** Looks once more and puts that into the history, with its line; of a process that has ended since, what was seen last. */
  "live.keep": windowToHost(v.object({ pid }), experimentSchema),
  /** All processes that are called so, as one; told of meanwhile by live.progressed with pid 0. */
  "live.inspectService": windowToHost(
    /** `mappings`: those of each process too. */
    v.object({
      target: serviceTarget,
      watched: v.optional(v.boolean(), false),
      mappings: v.optional(v.boolean(), false),
    }),
    inspectedServiceSchema,
  ),
  "live.keepService": windowToHost(v.object({ target: serviceTarget }), experimentSchema),
};

export const liveEvents = {
  "live.progressed": v.object({ pid: countSchema, share: v.number() }),
} as const;
