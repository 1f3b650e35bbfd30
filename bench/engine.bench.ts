/** The engine: the 50 GB experiment, single-page operations, and the real kernel beside it where it can be measured. */

import { defaultParams } from "../engine/experiment/params.ts";
import { DEFAULT_POLICIES, featuresOf, SERIES_POLICY } from "../engine/experiment/policies.ts";
import { run } from "../engine/experiment/run.ts";
import type { Mode, Params } from "../engine/experiment/types.ts";
import { policyPhrase } from "../engine/experiment/words.ts";
import { imageOperations } from "../engine/mm/image.ts";
import { createKernel } from "../engine/mm/kernel.ts";
import type { Operation } from "../engine/workload/operation.ts";
import { findPreset } from "../engine/workload/presets/index.ts";
import { detect } from "../probe/detect.ts";
import { runMeasured } from "../probe/driver.ts";
import { singlePagesFloor } from "./floors.ts";
import { best, bestOfTwo, type Row, type Section } from "./harness.ts";

function commitTable(): {
  readonly operations: (params: Params, seed: number) => Iterable<Operation>;
  params: Params;
  total: number;
} {
  const preset = findPreset("commit-table");
  if (preset === undefined) throw new Error("there is no preset commit-table");
  const params = defaultParams(preset.params);
  return { operations: preset.operations, params, total: preset.operationCount(params) };
}

/** One run to its end, samples and all; gives the VmPTE it ends with. */
async function modelRun(mode: Mode): Promise<number> {
  const { operations, params, total } = commitTable();
  const going = run({
    machine: createKernel({ features: featuresOf(mode), seed: 1 }),
    stream: { kind: "operations", operations: operations(params, 1) },
    operationsTotal: total,
    now: () => performance.now(),
  });
  for (;;) {
    const step = await going.next();
    if (step.done) return step.value.summary.final.vmpte_kb;
  }
}

/** Single-page faults and releases, in one table's worth of addresses after the other. */
function singlePages(mode: Mode, count: number): void {
  const kernel = createKernel({ features: featuresOf(mode), seed: 1 });
  const base = 2 ** 44;
  kernel.execute({ op: "mmap", addr: base, len: 2 ** 30, prot: "rw", backing: "anon" });
  const touch = { op: "touch" as const, addr: base, len: 4096, access: "w" as const };
  const release = { op: "madvise" as const, addr: base, len: 4096, advice: "dontneed" as const };
  for (let i = 0; i < count; i += 2) {
    touch.addr = base + (i % 2 ** 18) * 4096;
    release.addr = touch.addr;
    kernel.execute(touch);
    kernel.execute(release);
  }
}

const PAGE_OPERATIONS = 2_000_000;

async function* rows(): AsyncGenerator<Row> {
  const model: Partial<Record<Mode, number>> = {};
  // Compiled for both modes before either is measured.
  for (const mode of DEFAULT_POLICIES) await best(5, () => modelRun(mode));
  for (const mode of DEFAULT_POLICIES) {
    model[mode] = await best(5, () => modelRun(mode));
    yield {
      what: `commit-table, 50 GB, ${policyPhrase(mode)}`,
      value: model[mode],
      unit: "ms",
      budget: { atMost: 18 },
    };
  }
  for (const mode of DEFAULT_POLICIES) {
    const floor = () => singlePagesFloor(PAGE_OPERATIONS);
    const [floorMs, ms] = await bestOfTwo(2, floor, () => singlePages(mode, PAGE_OPERATIONS));
    const what = `single-page operations, ${policyPhrase(mode)}`;
    yield { what, value: (PAGE_OPERATIONS / ms) * 1000, unit: "/s", budget: { atLeast: 10_000_000 } };
    const note = `the floor: ${Math.round(PAGE_OPERATIONS / floorMs / 1000)} M/s, bench/floors.ts`;
    yield { what: `${what}, times the floor`, value: ms / floorMs, unit: "x", budget: { atMost: 2 }, note };
  }
  const kernel = detect();
  for (const mode of DEFAULT_POLICIES) {
    const what = `commit-table, times faster than the kernel, ${policyPhrase(mode)}`;
    if (!kernel.available || (mode === SERIES_POLICY && !kernel.reclaims)) {
      yield {
        what,
        value: Number.NaN,
        unit: "x",
        note: kernel.available ? "this kernel does not reclaim" : kernel.why,
      };
      continue;
    }
    const { operations, params, total } = commitTable();
    const { summary } = await runMeasured({
      stream: { kind: "operations", operations: operations(params, 1) },
      operationsTotal: total,
      mode,
      image: imageOperations(),
      onSamples: () => {},
    });
    const note = `the kernel took ${(summary.wall_ms / 1000).toFixed(1)} s and ended at ${summary.final.vmpte_kb} kB`;
    yield { what, value: summary.wall_ms / (model[mode] ?? Number.NaN), unit: "x", budget: { atLeast: 1000 }, note };
  }
}

export const section: Section = { title: "Engine", rows };
