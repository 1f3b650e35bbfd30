/** Runs a shard of a plan into its folder: what is there is skipped, what is done is written part by part. */

import { openFolder, readFolder, storedPlan, writePart } from "./folder.ts";
import type { Performed } from "./perform.ts";
import type { Plan } from "./plan.ts";
import { performAll } from "./pool.ts";
import type { ResultRow, TaskSamples } from "./rows.ts";
import { inShard, type Shard, type Task } from "./tasks.ts";

/** A part is written when it has so many rows, so many sampled values, or is so old: a kill loses no more than that. */
const PART_ROWS_MAX = 4096;
const PART_VALUES_MAX = 8 << 20;
const PART_MS_MAX = 20_000;

export interface ShardProgress {
  /** Of this attempt. */
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  readonly ms: number;
}

export interface ShardOptions {
  readonly folder: string;
  readonly shard: Shard;
  readonly jobs: number;
  readonly engine: string;
  /** Tasks that failed before are tried once more. */
  readonly retryFailed: boolean;
  readonly signal: AbortSignal;
  readonly onStart: (counts: { readonly tasks: number; readonly there: number; readonly todo: number }) => void;
  readonly onProgress: (progress: ShardProgress) => void;
  readonly warn: (text: string) => void;
}

export interface ShardEnd {
  /** Tasks of the shard, and of these: there before, made now, and failed now. */
  readonly tasks: number;
  readonly there: number;
  readonly made: number;
  readonly failed: number;
  readonly cut: boolean;
}

/** Rows that wait to be written. */
class Part {
  readonly #folder: string;
  #rows: ResultRow[] = [];
  #samples: TaskSamples[] = [];
  #values = 0;
  #since = performance.now();

  constructor(folder: string) {
    this.#folder = folder;
  }

  add({ row, samples }: Performed): void {
    if (this.#rows.length === 0) this.#since = performance.now();
    this.#rows.push(row);
    if (samples !== null) {
      this.#samples.push(samples);
      this.#values += samples.rows.length;
    }
    const old = performance.now() - this.#since >= PART_MS_MAX;
    if (old || this.#rows.length >= PART_ROWS_MAX || this.#values >= PART_VALUES_MAX) this.write();
  }

  write(): void {
    if (this.#rows.length === 0) return;
    writePart(this.#folder, this.#rows, this.#samples);
    this.#rows = [];
    this.#samples = [];
    this.#values = 0;
  }
}

/** Errors: BadInputError for a folder of another plan; ExportError where a part cannot be written. */
export async function runShard(plan: Plan, tasks: readonly Task[], options: ShardOptions): Promise<ShardEnd> {
  const { folder, shard, jobs, engine, retryFailed, signal, onStart, onProgress, warn } = options;
  openFolder(folder, storedPlan(plan, engine, tasks.length));
  const { byDigest, damaged } = await readFolder(folder);
  for (const { file, why } of damaged) warn(`${file}: it cannot be read (${why}); its tasks are run again`);
  const ours = tasks.filter((task) => inShard(task, shard));
  const todo = ours.filter(({ digest }) => {
    const there = byDigest.get(digest);
    return there === undefined || (retryFailed && there.status === "failed");
  });
  const counts = { tasks: ours.length, there: ours.length - todo.length };
  onStart({ ...counts, todo: todo.length });
  const part = new Part(folder);
  const started = performance.now();
  let made = 0;
  let failed = 0;
  const said = new Set<string>();
  const onPerformed = (performed: Performed) => {
    made++;
    for (const problem of performed.problems) {
      if (!said.has(problem)) warn(problem);
      said.add(problem);
    }
    if (performed.row.status === "failed") failed++;
    part.add(performed);
    onProgress({ done: made, failed, total: todo.length, ms: performance.now() - started });
  };
  try {
    await performAll(todo, { jobs, engine, onPerformed, signal });
  } finally {
    part.write();
  }
  return { ...counts, made, failed, cut: made < todo.length };
}
