/** Studies: 10,000 small tasks against threads that do nothing but perform them, and 100 M rows of samples queried. */
import { linkSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { SAMPLE_COLUMNS } from "../engine/experiment/types.ts";
import { openAtlas } from "../main/atlas/database.ts";
import { KNOWN, profileValue } from "../main/batch/known.ts";
import { readPlan } from "../main/batch/plan.ts";
import { runShard } from "../main/batch/run-shard.ts";
import { type Task, tasksOf, WHOLE } from "../main/batch/tasks.ts";
import { VERSION } from "../main/version.ts";
import type { Row, Section } from "./harness.ts";

const TASKS = 10_000;
const SAMPLES = 100_000_000;
const PARTS = 10;
const CORES = Math.min(2, cpus().length);

const PLAN = {
  version: 1,
  name: "small tasks",
  workloads: [{ preset: "redis-flush", params: { dataset: ["16M"], rounds: [2, 3] } }],
  policies: ["none", "sync"],
  seeds: Array.from({ length: TASKS / 4 }, (_, i) => i + 1),
};

/** What something took, in ms: by the clock, and of all its threads' processors. The first is of the machine too, where others use it. */
interface Took {
  readonly clock: number;
  readonly processor: number;
}

async function took(body: () => Promise<void>): Promise<Took> {
  const began = performance.now();
  const before = process.cpuUsage();
  await body();
  const { user, system } = process.cpuUsage(before);
  return { clock: performance.now() - began, processor: (user + system) / 1000 };
}

const least = (all: readonly Took[], of: keyof Took): number => Math.min(...all.map((each) => each[of]));

/** The tasks in threads of their own, without a message, a row or a file. */
async function floor(tasks: readonly Task[]): Promise<void> {
  const shares = Array.from({ length: CORES }, (_, core) => tasks.filter((_task, i) => i % CORES === core));
  await Promise.all(
    shares.map(
      (share) =>
        new Promise<void>((done, fail) => {
          const worker = new Worker(new URL("./studies-floor.ts", import.meta.url), {
            execArgv: [],
            workerData: { tasks: share, engine: VERSION },
          });
          worker.once("error", fail).once("exit", () => done());
        }),
    ),
  );
}

async function* tasksRows(folder: string): AsyncGenerator<Row> {
  const path = join(folder, "plan.json");
  writeFileSync(path, JSON.stringify(PLAN));
  const plan = await readPlan(path, KNOWN);
  const tasks = tasksOf(plan, VERSION, profileValue);
  const options = {
    shard: WHOLE,
    jobs: CORES,
    engine: VERSION,
    retryFailed: false,
    signal: new AbortController().signal,
  };
  const silent = { onStart: () => {}, onProgress: () => {}, warn: () => {} };
  const floors: Took[] = [];
  const batches: Took[] = [];
  for (const attempt of ["a", "b", "c"]) {
    floors.push(await took(() => floor(tasks)));
    const run = async () => {
      const { made, failed } = await runShard(plan, tasks, { folder: join(folder, attempt), ...options, ...silent });
      if (made !== TASKS || failed > 0) throw new Error(`${made} tasks were made, ${failed} of them failed`);
    };
    batches.push(await took(run));
  }
  yield { what: `tasks by batch, ${CORES} cores`, value: TASKS / (least(batches, "clock") / 1000), unit: "/s" };
  yield {
    what: "the same by threads that do nothing else",
    value: TASKS / (least(floors, "clock") / 1000),
    unit: "/s",
  };
  const ratio = least(batches, "processor") / least(floors, "processor");
  yield { what: "batch against these, processor time", value: ratio, unit: "x", budget: { atMost: 1.1 } };
  yield { what: "memory of all of it", value: process.memoryUsage().rss / 1e6, unit: "MB" };
}

/** A part of samples, written by DuckDB, under as many names as make SAMPLES rows. */
async function writeSamples(folder: string): Promise<number> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  mkdirSync(join(folder, "samples"), { recursive: true });
  const first = join(folder, "samples", "part-0.parquet");
  const columns = SAMPLE_COLUMNS.map(({ name }, i) => `(i * ${i + 1} % ${1000 + 37 * i})::BIGINT AS "${name}"`);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT md5((i // 1000)::VARCHAR) AS digest, ${columns.join(", ")} FROM range(${SAMPLES / PARTS}) AS t(i)) TO '${first}'`,
  );
  connection.closeSync();
  instance.closeSync();
  for (let part = 1; part < PARTS; part++) linkSync(first, join(folder, "samples", `part-${part}.parquet`));
  return statSync(first).size * PARTS;
}

async function* samplesRows(folder: string): AsyncGenerator<Row> {
  const bytes = await writeSamples(folder);
  const atlas = await openAtlas([folder], () => {});
  const queries = {
    "the peak of every task": "SELECT digest, max(vmpte_kb) FROM samples GROUP BY digest ORDER BY 2 DESC LIMIT 10",
    "an average of all": "SELECT count(*), avg(vmpte_kb), avg(rss_kb) FROM samples",
    "one task's samples": "SELECT count(*) FROM samples WHERE digest = md5('17')",
  };
  try {
    for (const [what, sql] of Object.entries(queries)) {
      const began = performance.now();
      await atlas.ask(sql);
      yield {
        what: `${what}, of ${(SAMPLES / 1e6).toFixed(0)} M rows of samples`,
        value: performance.now() - began,
        unit: "ms",
        note: `${(bytes / 1e9).toFixed(1)} GB in ${PARTS} parts`,
      };
    }
  } finally {
    atlas.close();
  }
}

async function* rows(): AsyncGenerator<Row> {
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-bench-"));
  try {
    yield* tasksRows(folder);
    yield* samplesRows(join(folder, "many"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const section: Section = { title: "Studies", rows };
