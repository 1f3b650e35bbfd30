/**
 * How long measured runs of a workload will take here: the time that the model counts, times how much slower this machine
 * is than the model, which a short measured run tells once.
 */
import { setImmediate as turn } from "node:timers/promises";
import { kernelUnder } from "../../engine/experiment/knobs.ts";
import { defaultParams } from "../../engine/experiment/params.ts";
import { DEFAULT_BASELINE, isMeasured, type PolicyId } from "../../engine/experiment/policies.ts";
import { type Params, SAMPLE_COLUMNS } from "../../engine/experiment/types.ts";
import { imageOperations } from "../../engine/mm/image.ts";
import { createKernel } from "../../engine/mm/kernel.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";
import { MIB } from "../../engine/workload/sizes.ts";
import { runMeasured } from "../../probe/driver.ts";

const PACE_PRESET = "commit-table";
const PACE_SIZE = 128 * MIB;
/** The model is asked for so long at most; what is left is taken to go on like that. */
const MODEL_MS_MAX = 1500;
const SLICE_MS = 20;
const WIDTH = SAMPLE_COLUMNS.length;
const TIME = SAMPLE_COLUMNS.findIndex(({ name }) => name === "time_ns");

const presetOf = (name: string) => {
  const preset = findPreset(name);
  if (preset === undefined) throw new RangeError(`there is no preset ${name}`);
  return preset;
};

/** Simulated nanoseconds of a workload under the baseline. */
async function modelledNs(name: string, params: Params, seed: number): Promise<number> {
  const preset = presetOf(name);
  const kernel = createKernel({ ...kernelUnder(DEFAULT_BASELINE, {}), seed });
  const total = preset.operationCount(params);
  const end = performance.now() + MODEL_MS_MAX;
  let slice = performance.now() + SLICE_MS;
  let done = 0;
  for (const operation of preset.operations(params, seed)) {
    kernel.execute(operation);
    done++;
    if (done % 64 !== 0 || performance.now() < slice) continue;
    if (performance.now() > end) break;
    await turn();
    slice = performance.now() + SLICE_MS;
  }
  const row = new Float64Array(WIDTH);
  kernel.sampleInto(row, 0);
  return row[TIME] * (total === null || total <= done ? 1 : total / done);
}

/** Wall time of this machine over the model's, found by a short run; at the first question. */
let pace: Promise<number> | undefined;

async function findPace(): Promise<number> {
  const preset = presetOf(PACE_PRESET);
  const params = { ...defaultParams(preset.params), size: PACE_SIZE };
  const { summary } = await runMeasured({
    stream: { kind: "operations", operations: preset.operations(params, 1) },
    operationsTotal: preset.operationCount(params),
    mode: DEFAULT_BASELINE,
    image: imageOperations(),
    onSamples: () => undefined,
  });
  return (summary.wall_ms * 1e6) / Math.max(1, await modelledNs(PACE_PRESET, params, 1));
}

/** Milliseconds that the measured runs of a preset will take one after the other; null where none is measured. */
export async function estimateMs(
  name: string,
  params: Params,
  seed: number,
  policies: readonly PolicyId[],
): Promise<number | null> {
  const runs = policies.filter(isMeasured).length;
  if (runs === 0) return null;
  pace ??= findPace();
  const factor = await pace.catch((error: unknown) => {
    pace = undefined;
    throw error;
  });
  return Math.round(((await modelledNs(name, params, seed)) * factor * runs) / 1e6);
}
