/** The runs under way: as many at a time as there are cores, the others queued in order. */
import { cpus } from "node:os";
import type { Store } from "../../db/store.ts";
import { describeError } from "../../engine/error.ts";
import { SAMPLE_COLUMNS, type SampleColumn } from "../../engine/experiment/types.ts";
import { AnsweredError, toLabError } from "../answer.ts";
import type { SampleBlock } from "../contract.ts";
import type { Emit } from "./emit.ts";
import type { Batch, Ending, Execution, OnBatch } from "./execution.ts";
import { toRun } from "./shapes.ts";

/** At least two, so that both modes of an experiment run side by side. */
const AT_ONCE = Math.max(2, cpus().length);
const WIDTH = SAMPLE_COLUMNS.length;

interface QueuedRun {
  readonly runId: number;
  readonly experimentId: number;
  /** A measured run: its times would tell of whatever runs beside it. */
  readonly alone: boolean;
  readonly begin: (onBatch: OnBatch) => Execution;
}

interface RunningRun extends QueuedRun {
  readonly execution: Execution;
  /** Resolves when its end is stored. */
  readonly over: Promise<void>;
}

export interface Runner {
  /** Begins a stored, queued run when a core is free; what it does is stored and told. */
  add(run: QueuedRun): void;
  /** Ends the runs of an experiment as cancelled; resolves when they are stored, with how many there were. */
  cancel(experimentId: number): Promise<number>;
  /** Whether a run of the experiment is queued or running. */
  isBusy(experimentId: number): boolean;
  /** Stops everything without storing an end: the store marks what is under way as interrupted. */
  abandon(): Promise<void>;
}

/** Packed rows as the columns that the window is told. */
export function toBlock(rows: Float64Array): SampleBlock {
  const count = rows.length / WIDTH;
  const columns: Partial<Record<SampleColumn, Float64Array>> = {};
  for (const [at, { name }] of SAMPLE_COLUMNS.entries()) {
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) values[i] = rows[i * WIDTH + at];
    columns[name] = values;
  }
  return { count, columns };
}

export function createRunner(store: Store, emit: Emit, log: (error: unknown) => void): Runner {
  const queue: QueuedRun[] = [];
  const running = new Map<number, RunningRun>();
  let abandoned = false;

  function onBatch(run: QueuedRun, { rows, progress }: Batch): void {
    if (abandoned) return;
    store.appendSamples(run.runId, rows);
    const samples = toBlock(rows);
    const fromSeq = samples.columns.seq?.[0] ?? 0;
    emit("run.sampled", { experimentId: run.experimentId, runId: run.runId, fromSeq, samples, progress });
  }

  function begin(run: QueuedRun): void {
    store.beginRun(run.runId);
    const execution = run.begin((batch) => onBatch(run, batch));
    const over = execution.ended
      .then((ending) => end(run, ending))
      .catch(log)
      .finally(() => {
        running.delete(run.runId);
        fill();
      });
    running.set(run.runId, { ...run, execution, over });
  }

  /** Stores how a run ended, and tells it; also where it cannot be stored (disk full, file locked), as failed. */
  function end(run: QueuedRun, ending: Ending): void {
    if (abandoned) return;
    const { runId, experimentId } = run;
    const failed = ending.status === "failed" ? describeError(new AnsweredError(ending.error)) : null;
    try {
      const summary = ending.status === "failed" ? null : ending.summary;
      const stored = store.finishRun(runId, {
        status: ending.status,
        reason: failed,
        ...(summary === null ? {} : { summary }),
      });
      emit("run.ended", toRun(stored));
    } catch (error) {
      log(error);
      const reason = failed ?? describeError(error);
      // In the file it stays unfinished, and is marked interrupted when the lab is closed or opened next.
      emit("run.ended", { ...toRun(store.getRun(runId)), status: "failed", reason });
    }
    emit("history.changed", { ids: [experimentId] });
  }

  function fill(): void {
    while (!abandoned && running.size < AT_ONCE) {
      const next = queue[0];
      if (next === undefined) return;
      const mustWait = next.alone ? running.size > 0 : [...running.values()].some((run) => run.alone);
      if (mustWait) return;
      queue.shift();
      try {
        begin(next);
      } catch (error) {
        // The file is full or locked.
        end(next, { status: "failed", error: toLabError(error) });
      }
    }
  }

  return {
    add(run) {
      queue.push(run);
      fill();
    },
    async cancel(experimentId) {
      let count = 0;
      for (let i = queue.length - 1; i >= 0; i--) {
        const run = queue[i];
        if (run?.experimentId !== experimentId) continue;
        queue.splice(i, 1);
        end(run, { status: "cancelled", summary: null });
        count++;
      }
      const stopping = [...running.values()].filter((run) => run.experimentId === experimentId);
      for (const run of stopping) run.execution.stop();
      await Promise.all(stopping.map((run) => run.over));
      return count + stopping.length;
    },
    isBusy: (experimentId) =>
      queue.some((run) => run.experimentId === experimentId) ||
      [...running.values()].some((run) => run.experimentId === experimentId),
    async abandon() {
      abandoned = true;
      queue.length = 0;
      const all = [...running.values()];
      for (const run of all) run.execution.stop();
      await Promise.all(all.map((run) => run.over));
    },
  };
}
