/** The history: storing samples beside making them, listing many experiments, reading a long run. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../db/store.ts";
import { defaultParams } from "../engine/experiment/params.ts";
import { DEFAULT_POLICIES, featuresOf } from "../engine/experiment/policies.ts";
import { run } from "../engine/experiment/run.ts";
import { SAMPLE_COLUMNS } from "../engine/experiment/types.ts";
import { createKernel } from "../engine/mm/kernel.ts";
import { findPreset } from "../engine/workload/presets/index.ts";
import { hostFacts } from "../main/host/facts.ts";
import { best, type Row, type Section } from "./harness.ts";

const WIDTH = SAMPLE_COLUMNS.length;
const EXPERIMENTS = 10_000;
const SAMPLES = 100_000;
const BATCH = 2000;

function packed(from: number, count: number): Float64Array {
  const rows = new Float64Array(count * WIDTH);
  for (let i = 0; i < count; i++) {
    for (let column = 0; column < WIDTH; column++) rows[i * WIDTH + column] = (from + i) * (column + 1);
    rows[i * WIDTH] = from + i;
  }
  return rows;
}

/** Samples a second that two workers make of the 50 GB experiment, one a mode. */
async function samplesMade(): Promise<number> {
  const preset = findPreset("commit-table");
  if (preset === undefined) throw new Error("there is no preset commit-table");
  const params = defaultParams(preset.params);
  let rate = 0;
  for (const mode of DEFAULT_POLICIES) {
    let samples = 0;
    const ms = await best(10, async () => {
      samples = 0;
      const going = run({
        machine: createKernel({ features: featuresOf(mode), seed: 1 }),
        stream: { kind: "operations", operations: preset.operations(params, 1) },
        operationsTotal: preset.operationCount(params),
        now: () => performance.now(),
      });
      for await (const slice of going) samples += slice.samples.length;
    });
    rate += (samples / ms) * 1000;
  }
  return rate;
}

async function* rows(): AsyncGenerator<Row> {
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-bench-"));
  const store = openStore(join(folder, "history.sqlite"));
  const facts = hostFacts(null);
  const spec = { workload: "commit-table", workloadKind: "preset" as const, params: { size: 1 }, seed: 1, levels: 4 };
  try {
    store.together(() => {
      for (let i = 0; i < EXPERIMENTS; i++) {
        const { id } = store.createExperiment({
          ...spec,
          title: `Experiment ${i}`,
          tags: i % 3 === 0 ? ["third"] : [],
        });
        for (const mode of ["sync", "none"] as const)
          store.finishRun(store.startRun(id, { source: "model", mode, facts }).id, { status: "done" });
      }
    });
    const list = { atMost: 100 };
    yield {
      what: "first 200 of 10,000 experiments",
      value: await best(5, () => store.list({ limit: 200 })),
      unit: "ms",
      budget: list,
    };
    yield {
      what: "the same, searched and filtered",
      value: await best(5, () => store.list({ search: "experiment 77", tags: ["third"], sort: "title", limit: 200 })),
      unit: "ms",
      budget: list,
    };
    const { id } = store.createExperiment({ ...spec, title: "Long" });
    const long = store.startRun(id, { source: "model", mode: "sync", facts });
    const batches = Array.from({ length: SAMPLES / BATCH }, (_, i) => packed(i * BATCH, BATCH));
    let next = 0;
    const ms = await best(batches.length - 1, () => store.appendSamples(long.id, batches[next++]));
    const stored = (BATCH / ms) * 1000;
    yield { what: "samples stored, in batches of 2,000", value: stored, unit: "/s" };
    const made = await samplesMade();
    yield { what: "samples made by the engine, both modes side by side", value: made, unit: "/s" };
    yield {
      what: "stored faster than made",
      value: stored / made,
      unit: "x",
      budget: { atLeast: 1 },
      note: "commit-table, the shortest run for its samples",
    };
    store.finishRun(long.id, { status: "done" });
    yield {
      what: "a run of 100,000 samples read, three columns",
      value: await best(3, () => store.samples(long.id, { columns: ["operations", "time_ns", "vmpte_kb"] })),
      unit: "ms",
    };
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const section: Section = { title: "History", rows };
