/** A measured run: first through the model to know what it needs, then on the running kernel. */
import { setImmediate as turn } from "node:timers/promises";
import { isMeasured } from "../../engine/experiment/policies.ts";
import { imageOperations } from "../../engine/mm/image.ts";
import { type MeasuredEnd, type MeasuredInput, runMeasured } from "../../probe/driver.ts";
import { NotMeasurableError } from "../../probe/errors.ts";
import type { WorkerTask } from "../contract/worker.ts";
import { prepare } from "./prepare.ts";

const LOOK_EVERY = 8192;
const LOOK_EVERY_MS = 50;

const stopped = (stop: Int32Array): boolean => Atomics.load(stop, 0) === 1;

/** The workload's resident peak with its page tables in kB, as the model has it; what it has so far where stopped. */
async function peakKb(task: WorkerTask, stop: Int32Array): Promise<number> {
  const { machine, stream } = await prepare(task);
  let peak = 0;
  let looks = LOOK_EVERY;
  const batches = stream.kind === "operations" ? [stream.operations] : stream.batches;
  for await (const batch of batches) {
    for (const operation of batch) {
      machine.execute(operation);
      peak = Math.max(peak, machine.rssKb() + machine.vmpteKb());
      if (--looks > 0) continue;
      looks = LOOK_EVERY;
      await turn();
      if (stopped(stop)) return peak;
    }
  }
  return peak;
}

/** Errors: those of probe/driver.ts and of the workload. */
export async function runOnKernel(
  task: WorkerTask,
  stop: Int32Array,
  onSamples: MeasuredInput["onSamples"],
): Promise<MeasuredEnd> {
  const { mode } = task;
  if (!isMeasured(mode))
    throw new NotMeasurableError(`Policy ${mode} cannot be measured`, {
      why: "no released kernel frees empty tables this way",
      todo: "Run it with --source model",
    });
  const controller = new AbortController();
  const peak = await peakKb(task, stop);
  const { stream, operationsTotal } = await prepare(task);
  const watch = setInterval(() => {
    if (stopped(stop)) controller.abort();
  }, LOOK_EVERY_MS);
  try {
    return await runMeasured({
      stream,
      operationsTotal,
      mode,
      image: imageOperations(),
      peakKb: peak,
      signal: controller.signal,
      onSamples,
    });
  } finally {
    clearInterval(watch);
  }
}
