/** A copy of the history while it is in use: one whole file, checked, that opens by itself. */
import Database from "better-sqlite3";
import type { Connection } from "./connection.ts";
import { BadValueError, DamagedHistoryError, translate } from "./errors.ts";
import { isSameFile, makeOwn, notAFile, placeOf, publish, removeDatabase, sizeOf } from "./files.ts";
import { requireSound } from "./open.ts";
import { temporaryBeside } from "./temporaries.ts";

export interface BackupProgress {
  readonly pagesDone: number;
  readonly pagesTotal: number;
}

/** Pages (4 kB) copied at a time; in between, other work of this process goes on. */
const PAGES_A_STEP = 1024;
/** A writer in another process makes SQLite start again; after so many starts the rest is copied in one go. */
const RESTARTS_MAX = 3;

/**
 * Writes a copy of the committed state to `target` (replaced in one step). Runs may go on meanwhile; in the copy those
 * are marked interrupted. `put`: gives the finished file its name. Throws the errors of errors.ts; nothing half-written is
 * left behind.
 */
export async function backupTo(
  c: Connection,
  target: string,
  onProgress?: (progress: BackupProgress) => void,
  put: (temporary: string, place: string) => void = publish,
): Promise<void> {
  const place = placeOf(target);
  const temporary = temporaryBeside(place);
  try {
    const odd = notAFile(target);
    if (odd !== null)
      throw new BadValueError("A backup needs a file", { where: target, why: odd, todo: "Choose another" });
    if (isSameFile(c.file, target))
      throw new BadValueError("A history cannot be its own backup", { where: target, todo: "Choose another file" });
    requireUnused(target);
    makeOwn(temporary);
    let least = Number.POSITIVE_INFINITY;
    let restarts = 0;
    await c.db.backup(temporary, {
      progress: ({ totalPages, remainingPages }) => {
        onProgress?.({ pagesDone: totalPages - remainingPages, pagesTotal: totalPages });
        if (remainingPages > least) restarts++;
        least = remainingPages;
        return restarts > RESTARTS_MAX ? Math.max(remainingPages, PAGES_A_STEP) : PAGES_A_STEP;
      },
    });
    const pagesTotal = Math.max(1, Number(c.db.pragma("page_count", { simple: true })));
    onProgress?.({ pagesDone: pagesTotal, pagesTotal });
    settle(temporary, "This is a copy that was made while the run went on; the samples up to then are kept");
    // It may have been opened meanwhile.
    requireUnused(target);
    put(temporary, place);
  } catch (error) {
    const named = translate(error, target);
    if (!(named instanceof DamagedHistoryError)) throw named;
    // Page for page what the history is.
    const own = new DamagedHistoryError(c.file, named.why ?? named.message, error);
    c.damaged(own);
    throw own;
  } finally {
    removeDatabase(temporary);
  }
}

/** Throws BadValueError where a log lies beside the file: it would be taken for the copy's. */
function requireUnused(target: string): void {
  if (sizeOf(`${placeOf(target)}-wal`) !== null)
    throw new BadValueError("A history that is in use cannot be replaced by a backup", {
      where: target,
      why: "its write-ahead log is next to it",
      todo: "Close the program that has it open, or choose another file",
    });
}

/**
 * Makes a copy that nobody else has open a single file. Its log is emptied first: one that could not be removed would be
 * taken for changes that are still to come. It needs no journal: what goes wrong is thrown away with it.
 */
export function makeSingle(db: Database.Database): void {
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.pragma("journal_mode = MEMORY");
}

/** Makes a copy a single sound file, in which no run waits for a process that does not know it. */
export function settle(file: string, reason: string): void {
  const db = new Database(file, { fileMustExist: true });
  try {
    makeSingle(db);
    requireSound(db, file);
    db.prepare(
      `UPDATE run SET status = 'interrupted', reason = ?, finished_ms = heartbeat_ms, owner = NULL
       WHERE status IN ('queued', 'running')`,
    ).run(reason);
    db.exec(`UPDATE experiment SET status = 'interrupted' WHERE status IN ('queued', 'running')
      AND EXISTS (SELECT 1 FROM run WHERE experiment_id = experiment.id)`);
  } finally {
    db.close();
  }
}
