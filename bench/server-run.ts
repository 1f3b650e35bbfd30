/** One run of the preset `server` in a process of its own, so that its memory can be measured: `node server-run.ts sync|none`. */

import { defaultParams } from "../engine/experiment/params.ts";
import { DEFAULT_POLICIES, featuresOf } from "../engine/experiment/policies.ts";
import { run } from "../engine/experiment/run.ts";
import { createKernel } from "../engine/mm/kernel.ts";
import { findPreset } from "../engine/workload/presets/index.ts";

const mode = DEFAULT_POLICIES.find((each) => each === process.argv[2]);
const preset = findPreset("server");
if (mode === undefined || preset === undefined) throw new Error("usage: node bench/server-run.ts sync|none");

const params = defaultParams(preset.params);
const start = performance.now();
const going = run({
  machine: createKernel({ features: featuresOf(mode), seed: 1 }),
  stream: { kind: "operations", operations: preset.operations(params, 1) },
  operationsTotal: preset.operationCount(params),
  now: () => performance.now(),
});
for (;;) {
  const step = await going.next();
  if (!step.done) continue;
  const { final, peak } = step.value.summary;
  const memoryMb = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(JSON.stringify({ ms: performance.now() - start, memoryMb, final, peak }));
  break;
}
