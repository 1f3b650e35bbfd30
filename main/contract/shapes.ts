/**
 * The shapes that cross a process boundary, as valibot schemas; every type is inferred from its schema.
 * Ids are the history's own positive integers, times are milliseconds since 1970 (UTC), sizes carry their unit.
 */
import * as v from "valibot";
import { DEFAULT_POLICIES, inPolicyOrder, POLICY_IDS } from "../../engine/experiment/policies.ts";
import { OTHER_ADVICE, OUTCOMES } from "../../engine/experiment/releases.ts";
import { SWEEP_POINTS_MAX } from "../../engine/experiment/sweep.ts";
import { notesProblem, tagProblem, tagsProblem, titleProblem } from "../../engine/experiment/text-limits.ts";
import { SETTINGS_MAX } from "../../engine/experiment/trial.ts";
import { DECLINED_REASONS, RUN_EVENTS, SAMPLE_COLUMNS, type SampleColumn } from "../../engine/experiment/types.ts";
import { CAUSES } from "../../engine/live/split.ts";
import { plainKeys, plainRecord } from "./plain-keys.ts";

const columnNames = SAMPLE_COLUMNS.map((column) => column.name) as [SampleColumn, ...SampleColumn[]];

export const idSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** JSON may write numbers that are none any more: 1 with 400 zeros is read as infinity. */
const finiteSchema = v.pipe(v.number(), v.finite());
/** Dates end in the year 275760. */
const TIME_MS_MAX = 8_640_000_000_000_000;
const timeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(TIME_MS_MAX));
export const shortTextSchema = v.pipe(v.string(), v.maxLength(500));
const longTextSchema = v.pipe(v.string(), v.maxLength(100_000));

/** Text that people write, refused in the words of text-limits.ts. */
const written = (problem: (text: string) => string | null) =>
  v.pipe(
    v.string(),
    v.trim(),
    v.check(
      (text) => problem(text) === null,
      ({ input }) => problem(input) ?? "",
    ),
  );
export const titleSchema = written(titleProblem);
export const tagsSchema = v.pipe(
  v.array(written(tagProblem)),
  v.check(
    (tags) => tagsProblem(tags) === null,
    ({ input }) => tagsProblem(input) ?? "",
  ),
);
export const notesSchema = v.pipe(
  v.string(),
  v.check(
    (notes) => notesProblem(notes) === null,
    ({ input }) => notesProblem(input) ?? "",
  ),
);
/** A handle of a file that the system's dialog (or a drop) has opened; paths never leave main and host. */
export const tokenSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{8,64}$/, "not a token of an opened file"));
export const idsSchema = v.pipe(v.array(idSchema), v.minLength(1), v.maxLength(10_000));
export const float64ArraySchema = v.custom<Float64Array>(
  (value) => value instanceof Float64Array,
  "not a Float64Array",
);
export const nothingSchema = v.undefined();

export const modeSchema = v.picklist(POLICY_IDS, `not a policy; the policies are ${POLICY_IDS.join(", ")}`);
/** The policies of an experiment: some of them, one, or `both` for the default ones; each once, in the table's order. */
export const modesSchema = v.pipe(
  v.union([v.literal("both"), modeSchema, v.pipe(v.array(modeSchema), v.minLength(1, "no policy is named"))]),
  v.transform((named) => inPolicyOrder(named === "both" ? DEFAULT_POLICIES : [named].flat())),
);
const sourceSchema = v.picklist(["model", "kernel"]);
const sourcesSchema = v.picklist(["model", "kernel", "both"]);
const runStatusSchema = v.picklist(["queued", "running", "done", "cancelled", "failed", "interrupted"]);
const columnSchema = v.picklist(columnNames);

export const paramValueSchema = v.union([finiteSchema, shortTextSchema, v.boolean()]);
export const paramsSchema = v.pipe(
  plainRecord(v.pipe(v.string(), v.maxLength(60)), paramValueSchema),
  v.maxEntries(100, "more than 100 parameters"),
);

/** How a program's releases are changed (engine/workload/what-if.ts). */
export const whatIfSchema = v.variant("kind", [
  v.object({ kind: v.literal("coalesce"), ms: v.pipe(v.number(), v.finite(), v.minValue(0.001), v.maxValue(1e9)) }),
  v.object({ kind: v.literal("whole") }),
]);

const presetParamBase = { name: v.string(), label: v.string(), description: v.string() };

/** A parameter of a preset, as engine/experiment/params.ts describes and checks it. */
export const presetParamSchema = v.variant("type", [
  v.object({
    ...presetParamBase,
    /** Bytes are numbers here; the window and `--set` take `2M` and the like. */
    type: v.picklist(["bytes", "count", "ms", "percent"]),
    min: v.number(),
    max: v.number(),
    default: v.number(),
    /** The value must be a multiple of this. */
    multipleOf: v.exactOptional(v.number()),
    /** The value may not exceed that of this other parameter. */
    atMost: v.exactOptional(v.string()),
  }),
  v.object({
    ...presetParamBase,
    type: v.literal("choice"),
    choices: v.array(v.object({ value: v.string(), label: v.string() })),
    default: v.string(),
  }),
]);
export type PresetParam = v.InferOutput<typeof presetParamSchema>;

export const presetSchema = v.object({
  name: v.string(),
  title: v.string(),
  description: v.string(),
  params: v.array(presetParamSchema),
  /** Where its numbers come from: a URL, or a file of the kernel or program, and what was taken from it. */
  sources: v.array(v.object({ title: v.string(), reference: v.string(), used: v.string() })),
});
export type Preset = v.InferOutput<typeof presetSchema>;

/** A trace or workload file that was opened: what is in it, and the handle under which it can be run. */
export const openedFileSchema = v.object({
  token: tokenSchema,
  /** Its name, no path. */
  name: v.string(),
  format: v.picklist(["perf-script", "tracefs", "strace", "ops"]),
  /** Without page faults nothing is used, unless that is assumed (touchOnMap). */
  hasFaults: v.boolean(),
  /** Events, or operations of a workload file. */
  events: countSchema,
  /** The busiest first; none in a workload file. */
  processes: v.array(
    v.object({
      pid: countSchema,
      comm: v.string(),
      events: countSchema,
      /** madvise(MADV_DONTNEED) calls. */
      dontneed: countSchema,
      threads: countSchema,
      /** Allocators that the names of its files and threads point to. */
      allocators: v.array(v.string()),
    }),
  ),
  /** What could not be used, a sentence a kind. */
  problems: v.array(v.string()),
  /** A capture's folder, opened as one: it is called after its program. */
  capture: v.optional(
    v.object({
      /** Its folder's name, no path. */
      folder: v.string(),
      /** The processes whose VmPTE was read beside the trace. */
      measured: v.array(countSchema),
      /** How the program was started; null: not kept. */
      command: v.nullable(v.string()),
      /** From the first to the last event, in ms. */
      durationMs: v.number(),
      /** Of the kernel that it was recorded on; null: not kept. */
      kernel: v.nullable(v.string()),
    }),
  ),
});
export type OpenedFile = v.InferOutput<typeof openedFileSchema>;

/** A file that was opened lately. `folder`: the name of the one that it lies in, no path. */
export const recentFileSchema = v.object({ id: tokenSchema, name: v.string(), folder: v.string() });
export type RecentFile = v.InferOutput<typeof recentFileSchema>;

/** What an experiment runs: a preset with parameters (absent ones take their default), or an opened file. */
const workloadRefSchema = v.variant("kind", [
  v.object({ kind: v.literal("preset"), name: shortTextSchema, params: paramsSchema }),
  v.object({
    kind: v.literal("file"),
    token: tokenSchema,
    /** Which process of a trace, by its pid (default: the busiest). */
    process: v.optional(countSchema),
    /** Take memory as used as soon as it may be accessed: for traces that show no page faults. */
    touchOnMap: v.optional(v.boolean()),
    /** All processes of a trace together, not one. */
    service: v.optional(v.boolean()),
    /** The program with its releases changed. */
    whatIf: v.optional(whatIfSchema),
  }),
]);

export const experimentSpecSchema = v.object({
  workload: workloadRefSchema,
  mode: v.optional(modesSchema, "both"),
  /** Of the policies and of the modelled kernel (engine/experiment/knobs.ts); what is left out is as it comes. */
  knobs: v.optional(paramsSchema, {}),
  source: v.optional(sourcesSchema, "model"),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4_294_967_295)), 1),
  /** Levels of the page tables. */
  levels: v.optional(v.picklist([4, 5]), 4),
  /** The modelled kernel (default: the measured kernel if something is measured, else the reference). */
  kernelProfile: v.optional(plainKeys(v.looseObject({ name: v.string() }))),
  /** Default: the preset's title and the parameters that differ from its defaults. */
  title: v.optional(titleSchema),
});
/** As a caller writes it: what has a default may be left out. */
export type ExperimentSpec = v.InferInput<typeof experimentSpecSchema>;
/** As the host reads it. */
export type FullExperimentSpec = v.InferOutput<typeof experimentSpecSchema>;

const callsAndBytesSchema = v.object({ calls: finiteSchema, bytes: finiteSchema });

/** Releases of engine/experiment/releases.ts. */
const releasesSchema = v.object({
  dontneed: callsAndBytesSchema,
  outcomes: v.object(v.entriesFromList(OUTCOMES, callsAndBytesSchema)),
  sizes: v.object({ up_to_64k: finiteSchema, below_2m: finiteSchema, below_4m: finiteSchema, larger: finiteSchema }),
  otherAdvice: v.object(v.entriesFromList(OTHER_ADVICE, callsAndBytesSchema)),
  munmap: callsAndBytesSchema,
  heapBytes: v.exactOptional(v.nullable(finiteSchema)),
});

/** BlameEntry of engine/experiment/blame.ts. */
const blameEntrySchema = v.object({
  stack: v.array(v.string()),
  reason: v.string(),
  tables: finiteSchema,
  kb: finiteSchema,
});
/** The heaviest 200 are kept (engine/workload/blame.ts). */
const blameSchema = v.pipe(v.array(blameEntrySchema), v.maxLength(1000));

/** RunSummary of engine/experiment/types.ts. */
/** What freeing empty tables cost a run (engine/experiment/types.ts: PolicyCost). */
const policyCostSchema = v.object({
  caller_ns: finiteSchema,
  longest_call_ns: finiteSchema,
  background_ns: finiteSchema,
  rebuilt_tables: finiteSchema,
  tlb_flushes: finiteSchema,
});

export const runSummarySchema = v.object({
  operations: finiteSchema,
  wall_ms: finiteSchema,
  final: v.object({
    vmpte_kb: finiteSchema,
    pte_tables: v.nullable(finiteSchema),
    pmd_tables: v.nullable(finiteSchema),
    pud_tables: v.nullable(finiteSchema),
    empty_pte_tables: v.nullable(finiteSchema),
    rss_kb: finiteSchema,
    virt_kb: v.nullable(finiteSchema),
  }),
  peak: v.object({ vmpte_kb: finiteSchema, rss_kb: finiteSchema }),
  reclaimed_pte_tables: v.nullable(finiteSchema),
  slow_path: v.nullable(finiteSchema),
  declined: v.nullable(v.object(v.entriesFromList(DECLINED_REASONS, finiteSchema))),
  cost: v.exactOptional(v.nullable(policyCostSchema)),
  average_vmpte_kb: v.exactOptional(finiteSchema),
  average_rss_kb: v.exactOptional(finiteSchema),
  processes: v.exactOptional(
    v.object({
      all: finiteSchema,
      step: v.exactOptional(finiteSchema),
      largest: v.array(
        v.object({
          process: finiteSchema,
          pid: finiteSchema,
          comm: v.string(),
          lives: v.boolean(),
          peak_vmpte_kb: finiteSchema,
          average_vmpte_kb: finiteSchema,
          final_vmpte_kb: finiteSchema,
          empty_pte_tables: finiteSchema,
          peak_rss_kb: finiteSchema,
          line: v.exactOptional(v.object({ from: finiteSchema, kb: v.array(finiteSchema) })),
        }),
      ),
    }),
  ),
  average_empty_pte_tables: v.exactOptional(finiteSchema),
  events: v.exactOptional(
    v.array(v.object({ what: v.picklist(RUN_EVENTS), operations: finiteSchema, time_ns: v.nullable(finiteSchema) })),
  ),
  program_ns: v.exactOptional(finiteSchema),
  steady: v.exactOptional(
    v.object({
      share: finiteSchema,
      after_release: v.boolean(),
      average_vmpte_kb: finiteSchema,
      average_empty_pte_tables: finiteSchema,
    }),
  ),
  releases: v.exactOptional(releasesSchema),
  blame: v.exactOptional(v.object({ peak: blameSchema, end: blameSchema })),
  trial: v.exactOptional(
    v.object({
      peak_vmpte_kb: finiteSchema,
      end_vmpte_kb: finiteSchema,
      average_vmpte_kb: finiteSchema,
      peak_rss_kb: finiteSchema,
      average_rss_kb: finiteSchema,
      wall_ms: finiteSchema,
      cpu_ms: finiteSchema,
      minor_faults: finiteSchema,
      major_faults: finiteSchema,
      exit_code: finiteSchema,
    }),
  ),
});

export const runProgressSchema = v.object({
  operations: v.number(),
  operationsTotal: v.nullable(v.number()),
  operationsPerSecond: v.number(),
});

/** An error as it is shown: what happened (message), to what, why, and what to do. */
export const labErrorSchema = v.object({
  name: v.string(),
  message: v.string(),
  where: v.optional(v.string()),
  why: v.optional(v.string()),
  todo: v.optional(v.string()),
  /** What was asked for cannot be done as it was asked: the asker's to change, not a failure. */
  badInput: v.optional(v.literal(true)),
});
export type LabError = v.InferOutput<typeof labErrorSchema>;

/** What a run was made on, kept with it so that it can be made again. */
export const hostFactsSchema = v.object({
  engineVersion: v.string(),
  platform: v.string(),
  kernelRelease: v.string(),
  cpu: v.string(),
  cpus: finiteSchema,
  memoryKb: finiteSchema,
  /** Does the running kernel reclaim? null: not tried. */
  ptReclaimSeen: v.nullable(v.boolean()),
});
export type HostFacts = v.InferOutput<typeof hostFactsSchema>;

/** What sort of kernel a run is modelled on: KernelProfile, which whoever uses it checks; a stored one may be another version's. */
export const kernelProfileSchema = plainKeys(v.looseObject({ name: v.pipe(v.string(), v.maxLength(200)) }));

export const runSchema = v.object({
  id: idSchema,
  experimentId: idSchema,
  /** What tells it from its siblings in a sweep ("chunk 2M"); empty elsewhere. */
  label: v.string(),
  /** The experiment's, what is set of policies and kernel among them, and in a sweep the value of its point. */
  params: paramsSchema,
  source: sourceSchema,
  mode: modeSchema,
  /** Of the rule of the policy (policies.ts); one that is not today's may have done something else. */
  policyVersion: v.pipe(v.number(), v.integer(), v.minValue(1)),
  status: runStatusSchema,
  /** Why it failed, was interrupted or could not start; null otherwise. */
  reason: v.nullable(v.string()),
  startedAt: v.nullable(timeSchema),
  endedAt: v.nullable(timeSchema),
  sampleCount: countSchema,
  /** Of the samples so far where the run has not ended, null before the first. */
  summary: v.nullable(runSummarySchema),
  facts: hostFactsSchema,
  /** The kernel that was modelled, or that was found where it was measured; null: made before profiles were kept. */
  kernelProfile: v.nullable(kernelProfileSchema),
  /** What of it is stored in a way that cannot be read; a placeholder is shown here. */
  problem: v.exactOptional(v.string()),
});
export type Run = v.InferOutput<typeof runSchema>;

/** What is told of runs that begin or wait: a sweep may have thousands, and whoever shows one asks for the rest. */
export const startedExperimentSchema = v.object({
  id: idSchema,
  title: v.string(),
  runs: v.array(v.object({ id: idSchema, source: sourceSchema, mode: modeSchema, status: runStatusSchema })),
});
export type StartedExperiment = v.InferOutput<typeof startedExperimentSchema>;

/** What people say of an experiment. */
export const descriptionSchema = v.object({
  id: idSchema,
  title: v.string(),
  tags: v.array(v.string()),
  notes: v.string(),
  pinned: v.boolean(),
  archived: v.boolean(),
});
export type Description = v.InferOutput<typeof descriptionSchema>;

/** A setting of a trial: the variables that it adds to the program's environment. */
export const settingEnvSchema = v.pipe(
  plainRecord(v.string(), v.string()),
  v.maxEntries(100, "more than 100 variables"),
);

/** What a sweep goes through. */
export const sweepDetailSchema = v.object({
  parameter: v.string(),
  values: v.pipe(v.array(paramValueSchema), v.maxLength(SWEEP_POINTS_MAX)),
  /** Of a trial of a program: the variables that each value stands for, the baseline first. */
  settings: v.exactOptional(
    v.pipe(v.array(v.object({ name: v.string(), env: settingEnvSchema })), v.maxLength(SETTINGS_MAX + 1)),
  ),
});

const experimentCore = {
  id: idSchema,
  /** The same wherever the experiment is copied to. */
  uid: v.string(),
  /** null: not a sweep. */
  sweep: v.nullable(sweepDetailSchema),
  title: v.string(),
  /** The preset's name, or the file's. */
  workload: v.string(),
  /** `live`: a running process that was looked at and kept. */
  workloadKind: v.picklist(["preset", "file", "program", "live"]),
  params: paramsSchema,
  seed: v.number(),
  levels: v.number(),
  createdAt: timeSchema,
  tags: v.array(v.string()),
  notes: v.string(),
  /** The baseline that comparisons start from. */
  pinned: v.boolean(),
  archived: v.boolean(),
  /** When it was put in the trash; null: it is not there. */
  deletedAt: v.nullable(timeSchema),
  /** What of it is stored in a way that cannot be read; a placeholder is shown here. */
  problem: v.exactOptional(v.string()),
};

/** What was seen of a running process that was kept: its verdict and its page tables by cause, in kB. */
export const observationSchema = v.object({
  verdict: v.object({
    sentences: v.array(v.string()),
    /** Those kept before there were any have none. */
    remedies: v.exactOptional(
      v.array(
        v.object({
          what: v.string(),
          kb: v.nullable(v.number()),
          note: v.string(),
          source: v.exactOptional(v.string()),
        }),
      ),
    ),
  }),
  /** A look that was kept before a cause had a name has none of it. */
  split: v.object(v.entriesFromList(CAUSES, v.optional(v.number(), 0))),
});

export const experimentSchema = v.object({
  ...experimentCore,
  /** Of workload kind `live`. */
  observation: v.exactOptional(observationSchema),
  runs: v.array(runSchema),
});
export type Experiment = v.InferOutput<typeof experimentSchema>;

export const historyRunSchema = v.object({
  id: idSchema,
  label: v.string(),
  source: sourceSchema,
  mode: modeSchema,
  status: runStatusSchema,
  summary: v.nullable(runSummarySchema),
  /** At most 48 values of vmpte_kb, evenly spread over the run. */
  sparkline: v.pipe(v.array(finiteSchema), v.maxLength(48)),
  /** What of it is stored in a way that cannot be read; a placeholder is shown here. */
  problem: v.exactOptional(v.string()),
});

/** A line of the history: enough to draw it without another call. */
export const historyRowSchema = v.object({ ...experimentCore, runs: v.array(historyRunSchema) });
export type HistoryRow = v.InferOutput<typeof historyRowSchema>;

/** A column of the history, or a parameter. */
const sortSchema = v.union([
  v.picklist(["created", "day", "title", "workload", "saving", "saved", "peak", "operations", "status", "tag"]),
  v.custom<`param.${string}`>(
    (text) => typeof text === "string" && /^param\.[\w.-]{1,64}$/.test(text),
    "not a parameter",
  ),
]);

export const historyQuerySchema = v.object({
  /** Words looked for in title, workload, parameters, tags and notes. */
  search: v.optional(shortTextSchema, ""),
  workloads: v.optional(v.array(shortTextSchema)),
  tags: v.optional(v.array(shortTextSchema)),
  statuses: v.optional(v.array(runStatusSchema)),
  sources: v.optional(v.array(sourceSchema)),
  pinned: v.optional(v.boolean()),
  /** Which part of the history: what is at hand, what was put aside, or what was deleted. */
  shelf: v.optional(v.picklist(["active", "archive", "trash"]), "active"),
  /** A filter expression: `chunk>1M policy:eager`. */
  filter: v.optional(shortTextSchema, ""),
  /** What stands together, before it is sorted. */
  group: v.optional(sortSchema),
  sort: v.optional(sortSchema, "created"),
  descending: v.optional(v.boolean(), true),
  offset: v.optional(countSchema, 0),
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000)), 200),
});
export type HistoryQuery = v.InferInput<typeof historyQuerySchema>;

export const historyPageSchema = v.object({
  rows: v.array(historyRowSchema),
  /** How many match, all pages together. */
  total: countSchema,
});

/** Columns of samples: each asked-for column as one array, all of `count` values; NaN where the source cannot know. */
export const sampleBlockSchema = v.object({
  count: countSchema,
  columns: v.strictObject(v.entriesFromList(columnNames, v.optional(float64ArraySchema))),
});
export type SampleBlock = v.InferOutput<typeof sampleBlockSchema>;

export const sampleQuerySchema = v.object({
  runId: idSchema,
  /** Default: all columns. */
  columns: v.optional(v.array(columnSchema)),
  /** First sequence number wanted. */
  fromSeq: v.optional(countSchema, 0),
  /** Thinned to this many points by min-max of vmpte_kb (peaks stay); default: all points. */
  maxPoints: v.optional(v.pipe(v.number(), v.integer(), v.minValue(4), v.maxValue(1_000_000))),
});
export type FullSampleQuery = v.InferOutput<typeof sampleQuerySchema>;

/** One fact that `doctor` reports. */
export const factSchema = v.object({
  id: v.string(),
  label: v.string(),
  value: v.string(),
  state: v.picklist(["ok", "missing", "note"]),
  /** What it means and what to do, where it is missing. */
  todo: v.optional(v.string()),
  /** Of the kernel profile: what `--kernel` takes as a file. */
  profile: v.optional(kernelProfileSchema),
});
export type Fact = v.InferOutput<typeof factSchema>;

export const exportFormatSchema = v.picklist(["csv", "json", "png", "svg", "html", "folded", "speedscope"]);
export type ExportFormat = v.InferOutput<typeof exportFormatSchema>;

export const settingsSchema = v.object({
  theme: v.picklist(["system", "light", "dark"]),
  /** Whatever the window remembers of itself: columns shown, sizes of panes, last preset. JSON text. */
  window: longTextSchema,
});
export type Settings = v.InferOutput<typeof settingsSchema>;
