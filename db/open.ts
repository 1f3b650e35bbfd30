/** Opens or creates the file of a history. What is not a sound history of ours is named and left untouched. */
import { accessSync, constants, renameSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import {
  DamagedHistoryError,
  ForeignFileError,
  HistoryBusyError,
  type HistoryError,
  HistoryFullError,
  translate,
} from "./errors.ts";
import { codeOf } from "./file-error.ts";
import { confirmName, makeOwn, putInPlace, removeDatabase, removeIfPossible, sizeOf, syncFile } from "./files.ts";
import { makeFolders } from "./folders.ts";
import { checkHeader, requireFiles } from "./header.ts";
import { applyMigrations, checkLedger, migrate, userVersion } from "./migrate.ts";
import { isOurTable, requireNumbers, requireOurSchema, schemaProblem } from "./our-schema.ts";
import { APPLICATION_ID, MIGRATIONS, type Migration } from "./schema.ts";
import { requireSchemaTree } from "./schema-tree.ts";
import { asideOf, temporaryBeside } from "./temporaries.ts";

export interface OpenOptions {
  /** How long a call waits for another process's write, in milliseconds. */
  readonly busyTimeoutMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Other migrations than the program's own: for tests of the migrator. */
  readonly migrations?: readonly Migration[];
  /** Told once, when the history turns out to be damaged while it is open. */
  readonly onDamage?: (error: HistoryError) => void;
  /** What errors call the file, where it is a copy of another. */
  readonly called?: string;
  /** False: no copy is kept before a migration, because the file is one already. */
  readonly keepCopy?: boolean;
}

export interface OpenedFile {
  readonly db: Database.Database;
  /** The copy that was kept before a migration, null where there was none. */
  readonly copy: string | null;
  /** Whether every page was looked at; else see whatIsWrong. */
  readonly checked: boolean;
}

/** Of bigger files, opening looks at what lists and headlines are made of; the samples' pages are left for later. */
const CHECKED_ON_OPEN_BYTES = 32 * 1024 * 1024;
const CREATE_TRIES_MAX = 50;
const LOG_TRIES_MAX = 50;

/** Opens `file`, creating it (and its folder) if there is none. Throws the errors of errors.ts. */
export function openFile(file: string, options: OpenOptions = {}): OpenedFile {
  const migrations = options.migrations ?? MIGRATIONS;
  const nowMs = (options.now ?? Date.now)();
  try {
    requireFiles(file);
    for (let tries = 0; (sizeOf(file) ?? 0) === 0; tries++) {
      if (tries === CREATE_TRIES_MAX) throw new HistoryBusyError(file);
      create(file, migrations, nowMs);
    }
    checkHeader(file, migrations.length);
    requireSchemaTree(file);
    return openExisting(file, migrations, nowMs, options);
  } catch (error) {
    const named = translate(error, options.called ?? file);
    const readable = named instanceof HistoryFullError ? openWithoutRoom(file, migrations) : null;
    if (readable !== null) return readable;
    throw named;
  }
}

/**
 * Makes a new history whole under another name and then gives it its own, so that a history that can be seen always
 * has its schema. Does nothing when another process was quicker; the caller looks again.
 */
function create(file: string, migrations: readonly Migration[], nowMs: number): void {
  const folder = dirname(file);
  makeFolders(folder, 0o700);
  accessSync(folder, constants.W_OK);
  const temporary = temporaryBeside(file);
  try {
    makeOwn(temporary);
    writeNew(temporary, migrations, nowMs);
    syncFile(temporary);
    if ((sizeOf(file) ?? 0) > 0) return;
    for (const suffix of ["-wal", "-journal"])
      if ((sizeOf(file + suffix) ?? 0) > 0 && (sizeOf(file) ?? 0) === 0)
        throw new DamagedHistoryError(file, `it is missing or empty, but its log ${file}${suffix} is still there`);
    if (sizeOf(file) === 0) moveAway(file);
    putInPlace(temporary, file);
    confirmName(file);
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
  if ((sizeOf(aside) ?? 0) === 0 || putInPlace(aside, file)) removeIfPossible(aside);
}

function writeNew(file: string, migrations: readonly Migration[], nowMs: number): void {
  const db = new Database(file);
  try {
    // Should it not be written whole, it is thrown away.
    db.pragma("journal_mode = MEMORY");
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
  { busyTimeoutMs = 5000, keepCopy = true, called = file }: OpenOptions,
): OpenedFile {
  const db = new Database(file, { fileMustExist: true, timeout: busyTimeoutMs });
  try {
    db.pragma("foreign_keys = ON");
    db.pragma("trusted_schema = OFF");
    db.pragma("cell_size_check = ON");
    // Where other migrations made it, that says more than the table that came of them.
    if (schemaProblem(db, called, migrations) !== null && isOurTable(db, "migration", migrations))
      checkLedger(db, called, migrations);
    requireOurSchema(db, called, migrations);
    const checked = checkSound(db, file, called);
    requireNumbers(db, called);
    checkLedger(db, called, migrations);
    useLog(db);
    db.pragma("synchronous = NORMAL");
    db.pragma("journal_size_limit = 67108864");
    return { db, copy: migrate(db, file, migrations, nowMs, keepCopy), checked };
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * A backup has no log until it is opened: then its header, one page, is changed. No journal is kept for that, which another
 * process would take for another program's. SQLite does not wait for others when it changes this, but does for a lock.
 */
function useLog(db: Database.Database): void {
  for (let tries = 1; db.pragma("journal_mode", { simple: true }) !== "wal"; tries++) {
    try {
      db.pragma("journal_mode = MEMORY");
      db.pragma("journal_mode = WAL");
    } catch (error) {
      if (codeOf(error) !== "SQLITE_BUSY" || tries === LOG_TRIES_MAX) throw error;
      db.exec("BEGIN EXCLUSIVE; COMMIT");
    }
  }
}

/**
 * A history on a full disk, for reading what is stored: SQLite then keeps in memory what it would keep beside the file,
 * and nobody else can have it open meanwhile. Null where that does not go either.
 */
function openWithoutRoom(file: string, migrations: readonly Migration[]): OpenedFile | null {
  let db: Database.Database | undefined;
  try {
    requireFiles(file);
    db = new Database(file, { fileMustExist: true, timeout: 0 });
    db.pragma("locking_mode = EXCLUSIVE");
    db.pragma("trusted_schema = OFF");
    requireOurSchema(db, file, migrations);
    checkLedger(db, file, migrations);
    if (userVersion(db) === migrations.length) return { db, copy: null, checked: false };
  } catch {
    // What was wrong first is what is said.
  }
  db?.close();
  return null;
}

/** Throws DamagedHistoryError unless all pages (those of one table, where it is named) fit together. */
export function requireSound(db: Database.Database, file: string, table?: string): void {
  const answers = db.pragma(`quick_check(${table ?? 1})`) as { quick_check: string }[];
  const found = answers[0]?.quick_check ?? "nothing was answered";
  if (found !== "ok") throw new DamagedHistoryError(file, found.replace(/\s+/g, " "));
}

/**
 * Looks at every page of a history, through a connection of its own: about ten seconds a GB. Gives what is wrong with
 * it, null where nothing is. Throws where it cannot be looked at.
 */
export function whatIsWrong(file: string): string | null {
  try {
    requireFiles(file);
    const db = new Database(file, { fileMustExist: true });
    try {
      db.pragma("query_only = ON");
      db.pragma("trusted_schema = OFF");
      db.pragma("cache_size = -2000");
      requireSound(db, file);
      return null;
    } finally {
      db.close();
    }
  } catch (error) {
    const named = translate(error, file);
    if (named instanceof DamagedHistoryError || named instanceof ForeignFileError) return named.why ?? named.message;
    throw named;
  }
}

/** The samples are nearly all of a big file. */
const CHECKED_LATER = "sample";

/** Gives whether all of it was looked at. */
function checkSound(db: Database.Database, file: string, called: string): boolean {
  if ((sizeOf(file) ?? 0) > CHECKED_ON_OPEN_BYTES) {
    const tables = db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
    for (const table of tables) if (table !== CHECKED_LATER) requireSound(db, called, table);
    return false;
  }
  requireSound(db, called);
  return true;
}
