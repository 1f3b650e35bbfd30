/** Opens or creates the file of a history. What is not a sound history of ours is named and left untouched. */
import { accessSync, constants, linkSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { DamagedHistoryError, HistoryBusyError, translate } from "./errors.ts";
import { removeDatabase, sizeOf, syncFile, syncFolder } from "./files.ts";
import { checkHeader } from "./header.ts";
import { applyMigrations, checkLedger, migrate } from "./migrate.ts";
import { APPLICATION_ID, MIGRATIONS, type Migration } from "./schema.ts";
import { asideOf, temporaryBeside } from "./temporaries.ts";

export interface OpenOptions {
  /** How long a call waits for another process's write, in milliseconds. */
  readonly busyTimeoutMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Other migrations than the program's own: for tests of the migrator. */
  readonly migrations?: readonly Migration[];
  /** False: no copy is kept before a migration, because the file is one already. */
  readonly keepCopy?: boolean;
}

export interface OpenedFile {
  readonly db: Database.Database;
  /** The copy that was kept before a migration, null where there was none. */
  readonly copy: string | null;
}

/** Bigger files are checked page by page on request only. */
const CHECKED_ON_OPEN_BYTES = 32 * 1024 * 1024;
const CREATE_TRIES_MAX = 50;

/** Opens `file`, creating it (and its folder) where there is none. Throws the errors of errors.ts. */
export function openFile(file: string, options: OpenOptions = {}): OpenedFile {
  const migrations = options.migrations ?? MIGRATIONS;
  const nowMs = (options.now ?? Date.now)();
  try {
    for (let tries = 0; (sizeOf(file) ?? 0) === 0; tries++) {
      if (tries === CREATE_TRIES_MAX) throw new HistoryBusyError(file);
      create(file, migrations, nowMs);
    }
    checkHeader(file, migrations.length);
    return openExisting(file, migrations, nowMs, options.busyTimeoutMs ?? 5000, options.keepCopy ?? true);
  } catch (error) {
    throw translate(error, file);
  }
}

/**
 * Makes a new history whole under another name and then gives it its own, so that a history that can be seen always
 * has its schema. Does nothing when another process was quicker; the caller looks again.
 */
function create(file: string, migrations: readonly Migration[], nowMs: number): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK);
  const temporary = temporaryBeside(file);
  try {
    writeNew(temporary, migrations, nowMs);
    syncFile(temporary);
    if ((sizeOf(file) ?? 0) > 0) return;
    for (const suffix of ["-wal", "-journal"])
      if ((sizeOf(file + suffix) ?? 0) > 0 && (sizeOf(file) ?? 0) === 0)
        throw new DamagedHistoryError(file, `it is missing or empty, but its log ${file}${suffix} is still there`);
    if (sizeOf(file) === 0) moveAway(file);
    putInPlace(temporary, file);
    syncFolder(folder);
  } finally {
    removeDatabase(temporary);
  }
}

/** Removes an empty file, unless it is no longer empty by the time it is moved: then it is put back. */
function moveAway(file: string): void {
  const aside = asideOf(file);
  try {
    renameSync(file, aside);
  } catch (error) {
    if (sizeOf(file) === null) return;
    throw error;
  }
  if ((sizeOf(aside) ?? 0) === 0 || putInPlace(aside, file)) rmSync(aside, { force: true });
}

/** Gives a file another name; false where that name is taken already. `from` may stay. */
function putInPlace(from: string, to: string): boolean {
  try {
    linkSync(from, to);
  } catch (error) {
    if (sizeOf(to) !== null) return false;
    // A file system without hard links; there two that create the same history at once could meet.
    if (error instanceof Error && "code" in error && error.code !== "ENOSPC") renameSync(from, to);
    else throw error;
  }
  return true;
}

function writeNew(file: string, migrations: readonly Migration[], nowMs: number): void {
  const db = new Database(file);
  try {
    db.pragma("auto_vacuum = INCREMENTAL");
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.exec("BEGIN");
    applyMigrations(db, migrations, 0, nowMs, null);
    db.exec("COMMIT");
    db.pragma("journal_mode = WAL");
  } finally {
    db.close();
  }
}

function openExisting(
  file: string,
  migrations: readonly Migration[],
  nowMs: number,
  busyTimeoutMs: number,
  keepCopy: boolean,
): OpenedFile {
  const db = new Database(file, { fileMustExist: true, timeout: busyTimeoutMs });
  try {
    db.pragma("foreign_keys = ON");
    db.pragma("trusted_schema = OFF");
    checkSound(db, file);
    checkLedger(db, file, migrations);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = NORMAL");
    db.pragma("journal_size_limit = 67108864");
    return { db, copy: migrate(db, file, migrations, nowMs, keepCopy) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Throws DamagedHistoryError unless all pages fit together. */
export function requireSound(db: Database.Database, file: string): void {
  const answer = String(db.pragma("quick_check(1)", { simple: true }));
  if (answer !== "ok") throw new DamagedHistoryError(file, answer.replace(/\s+/g, " "));
}

function checkSound(db: Database.Database, file: string): void {
  const tables = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'migration'").pluck().get();
  if (tables !== 1) throw new DamagedHistoryError(file, "its tables are missing");
  if ((sizeOf(file) ?? 0) > CHECKED_ON_OPEN_BYTES) return;
  requireSound(db, file);
}
