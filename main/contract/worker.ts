/** What lab host and engine worker say to each other. */
import * as v from "valibot";
import { POLICY_IDS } from "../../engine/experiment/policies.ts";
import {
  countSchema,
  float64ArraySchema,
  kernelProfileSchema,
  labErrorSchema,
  openedFileSchema,
  paramsSchema,
  runProgressSchema,
  runSummarySchema,
  whatIfSchema,
} from "./shapes.ts";

/** A trace or workload file, and what of it is run. */
export const fileTaskSchema = v.object({
  kind: v.literal("file"),
  path: v.string(),
  format: openedFileSchema.entries.format,
  process: v.optional(countSchema),
  /** What that process was forked from (TracedProcess.ancestors). */
  ancestors: v.array(countSchema),
  /** The numbers are those of the process forked last. */
  follow: v.boolean(),
  touchOnMap: v.boolean(),
  /** All processes together, by what they are called; the numbers are their sums. */
  service: v.exactOptional(v.array(v.object({ pid: countSchema, comm: v.string() }))),
  /** The releases are changed so. */
  whatIf: v.exactOptional(whatIfSchema),
  /** VmPTE as it was read beside the trace, of the process that is followed. */
  measured: v.optional(
    v.object({
      path: v.string(),
      /** When the process began and ended, on the clock of the readings; ns. */
      startNs: v.number(),
      endNs: v.number(),
      /** Under which policy the kernel was. */
      mode: v.picklist(POLICY_IDS),
    }),
  ),
});
export type FileTask = v.InferOutput<typeof fileTaskSchema>;

/** What is run: a preset, or a file. */
export const workloadTaskSchema = v.variant("kind", [
  v.object({ kind: v.literal("preset"), name: v.string(), params: paramsSchema }),
  fileTaskSchema,
]);
export type WorkloadTask = v.InferOutput<typeof workloadTaskSchema>;

/** An end of a channel between two workers: a MessagePort. */
export interface WorkerPort {
  postMessage(message: unknown): void;
}
const portSchema = v.custom<WorkerPort>(
  (value) => typeof value === "object" && value !== null && "postMessage" in value,
  "not a message port",
);

/** What a worker is started with that reads a trace for others. */
export const readerTaskSchema = v.object({
  kind: v.literal("reader"),
  workload: fileTaskSchema,
  /** What the runs are made on. */
  kernel: v.object({ seed: v.number(), levels: v.picklist([4, 5]), profile: kernelProfileSchema }),
  members: v.array(portSchema),
});
export type ReaderTask = v.InferOutput<typeof readerTaskSchema>;

/** What a worker is started with that makes a run. */
export const workerTaskSchema = v.object({
  kind: v.literal("run"),
  workload: workloadTaskSchema,
  /** Through the engine, or through the probe on the running kernel. */
  source: v.picklist(["model", "kernel"]),
  mode: v.picklist(POLICY_IDS),
  seed: v.number(),
  levels: v.picklist([4, 5]),
  profile: kernelProfileSchema,
  /** What is set of its policy and kernel (engine/experiment/knobs.ts). */
  knobs: paramsSchema,
  /** One shared Int32: 0 go on, 1 stop at the next look. */
  stop: v.instance(SharedArrayBuffer),
  /** Where the operations come from, if another worker reads them. */
  feed: v.optional(portSchema),
});
export const anyTaskSchema = v.variant("kind", [workerTaskSchema, readerTaskSchema]);
export type WorkerTask = v.InferOutput<typeof workerTaskSchema>;

export const workerMessageSchema = v.variant("kind", [
  /** `rows`: count samples, one after the other, each in the order of SAMPLE_COLUMNS. */
  v.object({ kind: v.literal("batch"), count: countSchema, rows: float64ArraySchema, progress: runProgressSchema }),
  v.object({ kind: v.literal("ended"), status: v.picklist(["done", "cancelled"]), summary: runSummarySchema }),
  v.object({ kind: v.literal("failed"), error: labErrorSchema }),
]);
export type WorkerMessage = v.InferOutput<typeof workerMessageSchema>;

/** The host has stored a batch: the worker may send one more. */
export const hostMessageSchema = v.object({ kind: v.literal("stored") });
export type HostMessage = v.InferOutput<typeof hostMessageSchema>;

/** Which history a check looks at, every page of it; what is wrong with it, null where nothing is. */
export const checkTaskSchema = v.object({ file: v.string() });
export type CheckTask = v.InferOutput<typeof checkTaskSchema>;
export const checkResultSchema = v.object({ problem: v.nullable(v.string()) });
export type CheckResult = v.InferOutput<typeof checkResultSchema>;
