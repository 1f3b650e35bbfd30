/** The history: storing samples beside making them, listing many experiments, reading a long run. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../db/store.ts";
import { SAMPLE_COLUMNS } from "../engine/experiment/types.ts";
import { hostFacts } from "../main/host/facts.ts";
import { best, type Row, type Section } from "./harness.ts";

const WIDTH = SAMPLE_COLUMNS.length;
const EXPERIMENTS = 10_000;
const SAMPLES = 100_000;

function packed(from: number, count: number): Float64Array {
  const rows = new Float64Array(count * WIDTH);
  for (let i = 0; i < count; i++) {
    for (let column = 0; column < WIDTH; column++) rows[i * WIDTH + column] = (from + i) * (column + 1);
    rows[i * WIDTH] = from + i;
  }
  return rows;
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
    const run = store.startRun(id, { source: "model", mode: "sync", facts });
    const start = performance.now();
    for (let from = 0; from < SAMPLES; from += 2000) store.appendSamples(run.id, packed(from, 2000));
    const ms = performance.now() - start;
    yield { what: "samples stored, in batches of 2,000", value: (SAMPLES / ms) * 1000, unit: "/s" };
    store.finishRun(run.id, { status: "done" });
    yield {
      what: "a run of 100,000 samples read, three columns",
      value: await best(3, () => store.samples(run.id, { columns: ["operations", "time_ns", "vmpte_kb"] })),
      unit: "ms",
    };
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const section: Section = { title: "History", rows };
