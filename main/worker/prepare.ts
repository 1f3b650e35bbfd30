/** Makes the machine and the stream of operations that a task asks for. */
import type { RunInput } from "../../engine/experiment/run.ts";
import { createKernel } from "../../engine/mm/kernel.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";
import type { WorkerTask } from "../contract/worker.ts";

/** Throws what the engine or the workload refuses. */
export async function prepare(task: WorkerTask): Promise<Pick<RunInput, "machine" | "stream" | "operationsTotal">> {
  const { workload, mode, seed, levels } = task;
  if (workload.kind === "file") throw new Error("workload files are opened by the host");
  const preset = findPreset(workload.name);
  if (preset === undefined) throw new Error(`there is no preset ${workload.name}`);
  const machine = createKernel({ mode, seed, config: { levels } });
  return {
    machine,
    stream: { kind: "operations", operations: preset.operations(workload.params, seed) },
    operationsTotal: preset.operationCount(workload.params),
  };
}
