/** Makes the machine and the stream of operations that a task asks for. */
import type { MessagePort } from "node:worker_threads";
import { kernelUnder } from "../../engine/experiment/knobs.ts";
import { DEFAULT_BASELINE, featuresOf } from "../../engine/experiment/policies.ts";
import type { RunInput } from "../../engine/experiment/run.ts";
import { createKernel, type Kernel, type KernelOptions } from "../../engine/mm/kernel.ts";
import { parseKernelProfile } from "../../engine/mm/kernel-profile-fields.ts";
import { blaming } from "../../engine/workload/blame.ts";
import { type Following, following } from "../../engine/workload/following.ts";
import { ImportReport, importOperations } from "../../engine/workload/import/index.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";
import { asService } from "../../engine/workload/service.ts";
import { tallying } from "../../engine/workload/tally.ts";
import { traceKernel } from "../../engine/workload/trace-kernel.ts";
import { changedReleases } from "../../engine/workload/what-if.ts";
import type { FileTask, WorkerTask, WorkloadTask } from "../contract/worker.ts";
import { openSource } from "../trace/source.ts";
import { fedBatches } from "./fed.ts";
import { ROOM_BYTES } from "./room.ts";

type Prepared = Pick<RunInput, "machine" | "stream" | "operationsTotal">;
export type OperationStream = Prepared["stream"];
type KernelTask = Pick<WorkerTask, "mode" | "seed" | "levels" | "profile" | "knobs">;

/** The kernel that a workload is run on. */
function kernelOf({ mode, seed, levels, profile: given, knobs }: KernelTask, workload: WorkloadTask): Kernel {
  const profile = parseKernelProfile(given, "the run's kernel profile");
  // A trace shows how its process was loaded, or assumes it; a workload file is run in a small program's image.
  const options: Partial<KernelOptions> =
    workload.kind === "file" && workload.format !== "ops" ? traceKernel(profile) : { profile };
  return createKernel({ ...kernelUnder(mode, knobs), seed, config: { levels }, tableBytesMax: ROOM_BYTES, ...options });
}

/** What a changed program's operations are found with: a kernel that runs it as it is. */
export type ShadowTask = Omit<KernelTask, "mode" | "knobs">;

async function fileStream(task: FileTask, shadow: ShadowTask): Promise<OperationStream> {
  const { path, format, process: pid, ancestors, touchOnMap, service, whatIf } = task;
  const chosen = {
    format,
    ancestors,
    touchOnMap,
    ...(pid === undefined ? {} : { pid }),
    ...(service === undefined ? {} : { service: new Map(service.map((each) => [each.pid, each.comm])) }),
  };
  const batches = importOperations(await openSource(path), chosen, new ImportReport());
  if (whatIf === undefined) return { kind: "batches", batches };
  return {
    kind: "batches",
    batches: changedReleases(batches, whatIf, kernelOf({ ...shadow, mode: DEFAULT_BASELINE, knobs: {} }, task)),
  };
}

function presetOf(name: string) {
  const preset = findPreset(name);
  if (preset === undefined) throw new Error(`there is no preset ${name}`);
  return preset;
}

/** The operations, from the first one on. */
export async function streamOf(workload: WorkloadTask, task: ShadowTask): Promise<OperationStream> {
  if (workload.kind === "file") return fileStream(workload, task);
  return { kind: "operations", operations: presetOf(workload.name).operations(workload.params, task.seed) };
}

/** A kernel to look into, the machine that runs operations on it and knows the process they are about, and the operations. */
export async function prepareKernel(
  workload: WorkloadTask,
  task: KernelTask,
): Promise<{ readonly kernel: Kernel; readonly process: Following; readonly stream: OperationStream }> {
  const kernel = kernelOf(task, workload);
  const follows = workload.kind === "file" && workload.follow;
  return { kernel, process: following(kernel, follows), stream: await streamOf(workload, task) };
}

/** A machine that counts what becomes of releases. Throws what the engine or the workload refuses. */
export async function prepare(task: Omit<WorkerTask, "kind">): Promise<Prepared> {
  const { workload } = task;
  const kernel = kernelOf(task, workload);
  const together = workload.kind === "file" && workload.service !== undefined;
  const { scan, ask } = featuresOf(task.mode);
  const blamed = { reclaims: task.mode !== DEFAULT_BASELINE, later: scan !== null || ask !== null, together };
  const counted = tallying(workload.kind === "file" ? blaming(kernel, blamed) : kernel);
  const follows = workload.kind === "file" && workload.follow;
  return {
    machine: together ? asService(counted) : follows ? following(counted) : counted,
    stream:
      task.feed === undefined
        ? await streamOf(workload, task)
        : { kind: "batches", batches: fedBatches(task.feed as MessagePort) },
    operationsTotal: workload.kind === "preset" ? presetOf(workload.name).operationCount(workload.params) : null,
  };
}
