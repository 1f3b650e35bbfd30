/** Opens or creates the file of a history. What is not a sound history of ours is named and left untouched. */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { DamagedHistoryError, HistoryBusyError, translate } from "./errors.ts";
import { publish, removeDatabase, sizeOf, temporaryBeside } from "./files.ts";
import { checkHeader } from "./header.ts";
import { applyMigrations, checkLedger, migrate } from "./migrate.ts";
import { APPLICATION_ID, MIGRATIONS, type Migration } from "./schema.ts";

export interface OpenOptions {
  /** How long a call waits for another process's write, in milliseconds. */
  readonly busyTimeoutMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Other migrations than the program's own: for tests of the migrator. */
  readonly migrations?: readonly Migration[];
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
      create(file, migrations, nowMs, options.busyTimeoutMs ?? 5000);
    }
    checkHeader(file, migrations.length);
    return openExisting(file, migrations, nowMs, options.busyTimeoutMs ?? 5000);
  } catch (error) {
    throw translate(error, file);
  }
}

/**
 * Makes a new history whole under another name and renames it into place, so that a history that can be seen always
 * has its schema. Does nothing when another process was quicker; the caller looks again.
 */
function create(file: string, migrations: readonly Migration[], nowMs: number, busyTimeoutMs: number): void {
  mkdirSync(dirname(file), { recursive: true });
  for (const suffix of ["-wal", "-journal"])
    if ((sizeOf(file + suffix) ?? 0) > 0 && (sizeOf(file) ?? 0) === 0)
      throw new DamagedHistoryError(file, `the file is missing or empty, but its log ${file}${suffix} is still there`);
  const temporary = temporaryBeside(file);
  // The lock: an exclusive transaction on the empty file. SQLite drops it when this process dies.
  const lock = new Database(file, { timeout: busyTimeoutMs });
  try {
    const inode = statSync(file).ino;
    lock.exec("BEGIN EXCLUSIVE");
    const there = statSync(file, { throwIfNoEntry: false });
    if (there?.size !== 0 || there.ino !== inode) return;
    writeNew(temporary, migrations, nowMs);
    publish(temporary, file);
  } finally {
    lock.close();
    removeDatabase(temporary);
  }
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
    return { db, copy: migrate(db, file, migrations, nowMs) };
  } catch (error) {
    db.close();
    throw error;
  }
}

function checkSound(db: Database.Database, file: string): void {
  const tables = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'migration'").pluck().get();
  if (tables !== 1) throw new DamagedHistoryError(file, "its tables are missing");
  if ((sizeOf(file) ?? 0) > CHECKED_ON_OPEN_BYTES) return;
  const answer = db.pragma("quick_check(1)", { simple: true });
  if (answer !== "ok") throw new DamagedHistoryError(file, String(answer));
}
