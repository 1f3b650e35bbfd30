/** The runs under way: as many at a time as there are cores, the others queued in order. */
import { cpus } from "node:os";
import { HistoryBusyError, HistoryError, HistoryFullError } from "../../db/errors.ts";
import type { RunEnding, StoredRun } from "../../db/records.ts";
import type { Store } from "../../db/store.ts";
import { describeError, ReclaimLabError } from "../../engine/error.ts";
import { SAMPLE_COLUMNS, type SampleColumn } from "../../engine/experiment/types.ts";
import { AnsweredError, toLabError } from "../answer.ts";
import type { SampleBlock } from "../contract.ts";
import type { Emit } from "./emit.ts";
import type { Batch, Ending, Execution, OnBatch } from "./execution.ts";
import { toRun } from "./shapes.ts";

/** At least two, so that two runs of an experiment go side by side. */
const AT_ONCE = Math.max(2, cpus().length);
const WIDTH = SAMPLE_COLUMNS.length;

export interface QueuedRun {
  readonly runId: number;
  readonly experimentId: number;
  /** A measured run: its times would tell of whatever runs beside it. */
  readonly alone: boolean;
  readonly begin: (onBatch: OnBatch) => Execution;
  /** Runs that begin together, however many cores there are: they share what they read. */
  readonly together?: number;
  /** It will never begin. */
  readonly dropped?: () => void;
}

/** How a run ended that could not be stored yet. */
interface Unstored {
  readonly experimentId: number;
  readonly ending: RunEnding;
  /** What was told of it instead. */
  readonly told: { readonly status: "failed"; readonly reason: string };
}

/** How often it is tried to store it. */
const STORE_AGAIN_MS = 2000;

interface RunningRun extends QueuedRun {
  readonly execution: Execution;
  /** Resolves when its end is stored. */
  readonly over: Promise<void>;
}

export interface Runner {
  /** Begins stored, queued runs when a core is free; what it does is stored and told. */
  add(...runs: readonly QueuedRun[]): void;
  /** Ends the runs of experiments as cancelled; resolves when they are stored, with how many there were. */
  cancel(...experimentIds: readonly number[]): Promise<number>;
  /** The experiments that have runs queued or running. */
  busy(): number[];
  /** Whether a run of the experiment is queued or running. */
  isBusy(experimentId: number): boolean;
  /** A run as the history has it, or as it was told to have ended where that could not be stored (yet). */
  asTold<R extends Pick<StoredRun, "id" | "status" | "reason">>(run: R): R;
  /** Stops everything without storing an end: the store marks what is under way as interrupted. */
  abandon(): Promise<void>;
}

/** Packed rows as the columns that the window is told. */
function toBlock(rows: Float64Array): SampleBlock {
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
  /** They are stored as soon as there is room, or the file is free, again. */
  const unstored = new Map<number, Unstored>();
  /** Runs under way as they were stored, should the file not even be readable when they end. */
  const known = new Map<number, StoredRun>();
  let storingAgain: NodeJS.Timeout | undefined;
  let abandoned = false;

  function keepForLater(runId: number, end: Unstored): void {
    unstored.set(runId, end);
    storingAgain ??= setInterval(storeAgain, STORE_AGAIN_MS).unref();
  }

  function storeAgain(): void {
    for (const [runId, { experimentId, ending }] of unstored) {
      try {
        store.finishRun(runId, ending);
      } catch (error) {
        if (error instanceof HistoryFullError || error instanceof HistoryBusyError) return;
        // It is gone, or was ended by somebody else: nothing is left to be stored.
        if (!(error instanceof ReclaimLabError)) log(error);
      }
      unstored.delete(runId);
      emit("history.changed", { ids: [experimentId] });
    }
    clearInterval(storingAgain);
    storingAgain = undefined;
  }

  function onBatch(run: QueuedRun, { rows, progress }: Batch): void {
    if (abandoned) return;
    store.appendSamples(run.runId, rows);
    const samples = toBlock(rows);
    const fromSeq = samples.columns.seq?.[0] ?? 0;
    emit("run.sampled", { experimentId: run.experimentId, runId: run.runId, fromSeq, samples, progress });
  }

  function begin(run: QueuedRun): void {
    known.set(run.runId, store.beginRun(run.runId));
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
    const ended: RunEnding =
      ending.status === "failed"
        ? { status: "failed", reason: describeError(new AnsweredError(ending.error)) }
        : { status: ending.status, reason: null, ...(ending.summary === null ? {} : { summary: ending.summary }) };
    const before = known.get(runId);
    known.delete(runId);
    try {
      emit("run.ended", toRun(store.finishRun(runId, ended)));
    } catch (error) {
      if (!(error instanceof HistoryError)) log(error);
      // In the file it stays unfinished until that can be stored, or is marked interrupted when it is opened next.
      const told = { status: "failed", reason: ended.reason ?? describeError(error) } as const;
      keepForLater(runId, { experimentId, ending: ended, told });
      if (before !== undefined) emit("run.ended", { ...toRun(before), endedAt: Date.now(), ...told });
    }
    emit("history.changed", { ids: [experimentId] });
  }

  /** Ends as cancelled what has not begun, in one: there may be thousands. */
  function endQueued(runs: readonly QueuedRun[]): void {
    if (runs.length === 0) return;
    for (const run of runs) run.dropped?.();
    try {
      store.cancelQueued(runs.map(({ runId }) => runId));
    } catch {
      // Each finds out for itself whether it can be stored.
      for (const run of runs) end(run, { status: "cancelled", summary: null });
      return;
    }
    const endedAt = Date.now();
    for (const { runId } of runs) known.delete(runId);
    const dropped = Map.groupBy(runs, ({ experimentId }) => experimentId);
    for (const [experimentId, those] of dropped)
      emit("runs.dropped", { experimentId, runIds: those.map(({ runId }) => runId), endedAt });
    emit("history.changed", { ids: [...dropped.keys()] });
  }

  function fill(): void {
    while (!abandoned && running.size < AT_ONCE) {
      const next = queue[0];
      if (next === undefined) return;
      const mustWait = next.alone ? running.size > 0 : [...running.values()].some((run) => run.alone);
      if (mustWait) return;
      beginAll(takeNext(next));
    }
  }

  /** The first of the queue, and those that begin with it. */
  function takeNext(next: QueuedRun): QueuedRun[] {
    const all = queue.filter((run) => run === next || (run.together !== undefined && run.together === next.together));
    for (const run of all) queue.splice(queue.indexOf(run), 1);
    return all;
  }

  function beginAll(runs: readonly QueuedRun[]): void {
    for (const run of runs) {
      try {
        begin(run);
      } catch (error) {
        // The file is full or locked.
        run.dropped?.();
        end(run, { status: "failed", error: toLabError(error) });
      }
    }
  }

  return {
    add(...runs) {
      for (const run of runs) {
        known.set(run.runId, store.getRun(run.runId));
        queue.push(run);
      }
      fill();
    },
    async cancel(...experimentIds) {
      const meant = new Set(experimentIds);
      const dropped = queue.filter((run) => meant.has(run.experimentId));
      const kept = queue.filter((run) => !meant.has(run.experimentId));
      queue.length = 0;
      for (const run of kept) queue.push(run);
      endQueued(dropped);
      const stopping = [...running.values()].filter((run) => meant.has(run.experimentId));
      for (const run of stopping) run.execution.stop();
      await Promise.all(stopping.map((run) => run.over));
      return dropped.length + stopping.length;
    },
    busy: () => [...new Set([...running.values(), ...queue].map(({ experimentId }) => experimentId))],
    isBusy: (experimentId) =>
      queue.some((run) => run.experimentId === experimentId) ||
      [...running.values()].some((run) => run.experimentId === experimentId),
    asTold(run) {
      return { ...run, ...unstored.get(run.id)?.told };
    },
    async abandon() {
      abandoned = true;
      clearInterval(storingAgain);
      queue.length = 0;
      const all = [...running.values()];
      for (const run of all) run.execution.stop();
      await Promise.all(all.map((run) => run.over));
      // What was told as failed is not to be stored as interrupted.
      storeAgain();
    },
  };
}
