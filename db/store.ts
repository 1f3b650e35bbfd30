/**
 * The history: one SQLite file with experiments, their runs and the runs' samples. All calls are synchronous and each
 * is one transaction. Errors are those of errors.ts: named, with what, where, why and what to do.
 */
import type { RunSummary } from "../engine/experiment/types.ts";
import { type BackupProgress, backupTo } from "./backup.ts";
import { connection } from "./connection.ts";
import { HistoryBusyError, HistoryError, HistoryFullError } from "./errors.ts";
import * as experiments from "./experiments.ts";
import { checkHealth, type Health } from "./health.ts";
import { listHistory, listTags } from "./list.ts";
import { type Merged, mergeFrom, restoreFrom } from "./merge.ts";
import { type OpenOptions, openFile } from "./open.ts";
import { claimOwner, HEARTBEAT_EVERY_MS, releaseOwner } from "./owner.ts";
import type {
  Description,
  HistoryFilter,
  HistoryPage,
  NewExperiment,
  NewRun,
  RunEnding,
  SampleRange,
  Samples,
  StoredExperiment,
  StoredRun,
} from "./records.ts";
import { reserveBeside } from "./reserve.ts";
import * as runs from "./runs.ts";
import { readSamples } from "./samples.ts";
import { MIGRATIONS } from "./schema.ts";
import { getSetting, setSetting } from "./settings.ts";

export type Store = ReturnType<typeof openStore>;

/**
 * Opens a history, creating it if there is none; runs whose process is dead are marked interrupted.
 */
export function openStore(file: string, options: OpenOptions = {}) {
  const { db, copy, checked } = openFile(file, options);
  const version = (options.migrations ?? MIGRATIONS).length;
  const owner = claimOwner();
  const c = connection(db, file, version, options.now ?? Date.now, owner, options.onDamage);
  const interrupted = markedOnOpen();
  let heart: NodeJS.Timeout | undefined;
  const reserve = reserveBeside(file);

  /** How a run ended finds room also on a disk that filled up meanwhile. */
  function withReserve<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof HistoryFullError) || !reserve.release()) throw error;
      return body();
    }
  }

  function markedOnOpen(): StoredRun[] {
    try {
      return runs.markInterrupted(c);
    } catch (error) {
      // On a full disk, or beside a long writer, the history can still be read; it is marked later.
      if (error instanceof HistoryFullError || error instanceof HistoryBusyError) return [];
      releaseOwner(owner);
      db.close();
      throw error;
    }
  }

  function stopHeart(): void {
    clearInterval(heart);
    heart = undefined;
  }

  /** Beats while runs are under way, so that a process that cannot look at this one knows that it lives. */
  function startHeart(): void {
    heart ??= setInterval(() => {
      try {
        if (runs.beat(c) === 0) {
          stopHeart();
          reserve.release();
        }
      } catch {
        // A beat that could not be stored (file busy, disk full) is made up by the next, or by the next batch.
      }
    }, HEARTBEAT_EVERY_MS).unref();
  }

  function startRuns(experimentId: number, specs: readonly NewRun[]): StoredRun[] {
    startHeart();
    reserve.hold();
    return runs.startRuns(c, experimentId, specs);
  }

  return {
    file,
    /** The copy that was kept because the file was brought to a newer schema, else null. */
    copy,
    /** Whether every page was looked at when it was opened; else `whatIsWrong` (open.ts) does, in its own time. */
    checked,
    /** It turned out to be damaged in a way that no call of the store has met. */
    foundDamaged: (error: HistoryError): void => c.damaged(error),
    /** Runs that were found unfinished with their process dead when the file was opened. */
    interrupted,

    createExperiment: (spec: NewExperiment): StoredExperiment => experiments.createExperiment(c, spec),
    getExperiment: (id: number): StoredExperiment => experiments.getExperiment(c, id),
    experimentsOfFile: (sha256: string, most: number): StoredExperiment[] =>
      experiments.experimentsOfFile(c, sha256, most),
    describeExperiment: (id: number, change: Description): StoredExperiment =>
      experiments.describeExperiment(c, id, change),
    list: (filter?: HistoryFilter): HistoryPage => listHistory(c, filter),
    tags: (): { name: string; count: number }[] => listTags(c),

    trash: (ids: readonly number[]): number => experiments.trash(c, ids),
    untrash: (ids: readonly number[]): number => experiments.untrash(c, ids),
    purge: (what: { ids: readonly number[] } | { before: number }): number => experiments.purge(c, what),

    startRuns,
    startRun: (experimentId: number, spec: NewRun): StoredRun => startRuns(experimentId, [spec])[0] as StoredRun,
    beginRun: (id: number): StoredRun => runs.beginRun(c, id),
    getRun: (id: number): StoredRun => runs.getRun(c, id),
    appendSamples: (runId: number, rows: Float64Array, summary?: RunSummary): void =>
      runs.appendSamples(c, runId, rows, summary),
    finishRun: (runId: number, ending: RunEnding): StoredRun => {
      const ended = withReserve(() => runs.finishRun(c, runId, ending));
      if (!runs.isUnderWay(c)) reserve.release();
      return ended;
    },
    cancelQueued: (runIds: readonly number[]): number[] => {
      const ended = withReserve(() => runs.cancelQueued(c, runIds));
      if (!runs.isUnderWay(c)) reserve.release();
      return ended;
    },
    markInterrupted: (): StoredRun[] => runs.markInterrupted(c),
    samples: (runId: number, range?: SampleRange): Samples => readSamples(c, runId, range),

    getSetting: (key: string) => getSetting(c, key),
    setSetting: (key: string, value: Parameters<typeof setSetting>[2]): void => setSetting(c, key, value),

    /** Writes a whole, checked copy of the history to `target` while it is in use. */
    backup: (target: string, onProgress?: (progress: BackupProgress) => void): Promise<void> =>
      backupTo(c, target, onProgress),
    /** Makes this history what the backup is; gives the path of the copy of what it was. */
    restore: (backup: string): Promise<string> => restoreFrom(c, backup),
    /** Adds what another history has and this one has not. */
    merge: (file: string): Merged => mergeFrom(c, file),
    /** Reads all of the file and says whether it is sound. */
    check: (): Health => checkHealth(c),

    /** A number that differs when another process has changed the history since it was last asked for. */
    changeMark: (): number => c.named(() => Number(db.pragma("data_version", { simple: true }))),

    /** The largest size of the file, in pages of 4 kB: a quota. What does not fit is refused as on a full disk. */
    limitPages: (pages: number): void => void db.pragma(`max_page_count = ${Math.floor(pages)}`),

    /** All that many writes belong together: one transaction. */
    together: <T>(body: () => T): T => c.write(body),

    /** Runs of this store that are still under way are marked interrupted; may be called twice. */
    close(): void {
      if (!db.open) return;
      stopHeart();
      try {
        withReserve(() =>
          runs.interruptOwn(c, "The lab was closed before the run ended; the samples up to then are kept"),
        );
      } catch (error) {
        // What cannot be marked now (file busy, disk full, upgraded) is marked by whoever opens the history next.
        if (!(error instanceof HistoryError)) throw error;
      } finally {
        reserve.release();
        releaseOwner(owner);
        db.close();
      }
    },
  };
}
