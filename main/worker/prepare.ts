/** Makes the machine and the stream of operations that a task asks for. */
import type { RunInput } from "../../engine/experiment/run.ts";
import { createKernel, type KernelOptions } from "../../engine/mm/kernel.ts";
import { following } from "../../engine/workload/following.ts";
import { ImportReport, importOperations } from "../../engine/workload/import/index.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";
import { tallying } from "../../engine/workload/tally.ts";
import { TRACE_KERNEL } from "../../engine/workload/trace-kernel.ts";
import type { WorkerTask } from "../contract/worker.ts";
import { openSource } from "../trace/source.ts";

type Prepared = Pick<RunInput, "machine" | "stream" | "operationsTotal">;

/** A machine that counts what becomes of releases. */
function machineOf({ mode, seed, levels }: WorkerTask, options: Partial<KernelOptions> = {}) {
  return tallying(createKernel({ mode, seed, config: { levels }, ...options }));
}

async function prepareFile(
  task: WorkerTask,
  file: Extract<WorkerTask["workload"], { kind: "file" }>,
): Promise<Prepared> {
  const { path, format, process: pid, ancestors, follow, touchOnMap } = file;
  // A trace shows how its process was loaded, or assumes it; a workload file is run in a small program's image.
  const options: Partial<KernelOptions> = format === "ops" ? {} : TRACE_KERNEL;
  const source = await openSource(path);
  const chosen = { format, ancestors, touchOnMap, ...(pid === undefined ? {} : { pid }) };
  const batches = importOperations(source, chosen, new ImportReport());
  const machine = machineOf(task, options);
  const shown = follow ? following(machine) : machine;
  return { machine: shown, stream: { kind: "batches", batches }, operationsTotal: null };
}

/** Throws what the engine or the workload refuses. */
export async function prepare(task: WorkerTask): Promise<Prepared> {
  const { workload, seed } = task;
  if (workload.kind === "file") return prepareFile(task, workload);
  const preset = findPreset(workload.name);
  if (preset === undefined) throw new Error(`there is no preset ${workload.name}`);
  return {
    machine: machineOf(task),
    stream: { kind: "operations", operations: preset.operations(workload.params, seed) },
    operationsTotal: preset.operationCount(workload.params),
  };
}
