/** Reads a history that is not the open one without touching it: through a copy that is then brought up to date. */
import Database from "better-sqlite3";
import { settle } from "./backup.ts";
import { HistoryIoError, translate } from "./errors.ts";
import { removeDatabase, sizeOf } from "./files.ts";
import { checkHeader } from "./header.ts";
import { openFile, requireSound } from "./open.ts";
import { MIGRATIONS } from "./schema.ts";
import { temporaryBeside } from "./temporaries.ts";

/** A connection that changes nothing; where SQLite may not even make its files beside it, none are made. */
export function openUntouched(file: string): Database.Database {
  const db = new Database(file, { readonly: true, fileMustExist: true });
  try {
    db.pragma("schema_version");
    return db;
  } catch (error) {
    db.close();
    if ((sizeOf(`${file}-wal`) ?? 0) > 0) throw error;
    return new Database(`file:${encodeURI(file).replaceAll("?", "%3f").replaceAll("#", "%23")}?immutable=1`, {
      readonly: true,
    });
  }
}

/**
 * Gives `use` the path of a copy of `file` with the newest schema, kept beside `near` and removed afterwards. Throws
 * the errors of errors.ts where `file` is no sound history that this program knows.
 */
export function withSnapshot<T>(file: string, near: string, use: (copy: string) => T): T {
  const copy = temporaryBeside(near);
  try {
    if (sizeOf(file) === null) throw new HistoryIoError(file, "there is no such file");
    checkHeader(file, MIGRATIONS.length);
    const source = openUntouched(file);
    try {
      requireSound(source, file);
      source.prepare("VACUUM INTO ?").run(copy);
    } finally {
      source.close();
    }
  } catch (error) {
    removeDatabase(copy);
    throw translate(error, file);
  }
  try {
    openFile(copy, { keepCopy: false }).db.close();
    settle(copy, "It was copied from another history while the run went on");
    return use(copy);
  } finally {
    removeDatabase(copy);
  }
}
