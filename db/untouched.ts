/**
 * Reads a history that is not the open one, and changes nothing of it: no byte, no file beside it. Nothing is asked of
 * tables that are not our own.
 */
import Database from "better-sqlite3";
import { copyParts } from "./copy-parts.ts";
import { placeOf, removeDatabase, sizeOf } from "./files.ts";
import { requireFiles } from "./header.ts";
import { requireOurSchema } from "./our-schema.ts";
import { MIGRATIONS } from "./schema.ts";
import { requireSchemaTree } from "./schema-tree.ts";
import { temporaryBeside } from "./temporaries.ts";

const there = (file: string): boolean => sizeOf(file) !== null;
const filled = (file: string): boolean => (sizeOf(file) ?? 0) > 0;

/** SQLite takes names that are URIs only where this is said before it is first used; programs that we start need not know. */
function allowUris(): void {
  const before = process.env.SQLITE_USE_URI;
  process.env.SQLITE_USE_URI = "1";
  try {
    new Database(":memory:").close();
  } finally {
    if (before === undefined) delete process.env.SQLITE_USE_URI;
    else process.env.SQLITE_USE_URI = before;
  }
}
allowUris();

/** No locks, no log, no index; from a copy where SQLite does not take a URI. */
function immutable(file: string, copied: () => Database.Database): Database.Database {
  try {
    return new Database(`file:${encodeURI(file).replaceAll("?", "%3f").replaceAll("#", "%23")}?immutable=1`, {
      readonly: true,
    });
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || !error.code.startsWith("SQLITE_CANTOPEN")) throw error;
    return copied();
  }
}

/**
 * A connection to `file` as it is. Where a log lies beside it that no living process has (its index is not there), both are
 * read as copies beside `near`: SQLite would write to them.
 */
function connect(file: string, copy: string, copyBytesMax: number): Database.Database {
  requireFiles(file);
  const log = `${file}-wal`;
  function copied(): Database.Database {
    copyParts(file, copy, copyBytesMax);
    return new Database(copy, { fileMustExist: true });
  }
  requireSchemaTree(file);
  // A process that has it open keeps both; SQLite makes none where they are.
  if (there(log) && there(`${file}-shm`)) {
    const db = new Database(file, { readonly: true, fileMustExist: true });
    try {
      db.pragma("schema_version");
      return db;
    } catch (error) {
      db.close();
      if (filled(log)) throw error;
      return immutable(file, copied);
    }
  }
  return filled(log) ? copied() : immutable(file, copied);
}

/**
 * Gives `use` a connection to a history of whatever version of ours. Throws AlteredHistoryError and what SQLite says.
 * `near`: where a copy may lie meanwhile. `copyBytesMax`: an error is thrown rather than that more is copied (copy-parts.ts).
 */
export function untouched<T>(
  file: string,
  near: string,
  use: (db: Database.Database) => T,
  copyBytesMax = Number.POSITIVE_INFINITY,
): T {
  const place = placeOf(file);
  const copy = temporaryBeside(near);
  try {
    const db = connect(place, copy, copyBytesMax);
    try {
      db.pragma("trusted_schema = OFF");
      db.pragma("cell_size_check = ON");
      requireOurSchema(db, file, MIGRATIONS);
      return use(db);
    } finally {
      db.close();
    }
  } finally {
    removeDatabase(copy);
  }
}
