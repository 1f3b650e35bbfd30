/** Another history as a copy that is brought up to date and held to what a history must be, row by row. */
import Database from "better-sqlite3";
import { settle } from "./backup.ts";
import { DamagedHistoryError, HistoryIoError, InvalidRowsError, translate } from "./errors.ts";
import { makeOwn, removeDatabase, sizeOf } from "./files.ts";
import { checkHeader } from "./header.ts";
import { openFile, requireSound } from "./open.ts";
import { MIGRATIONS } from "./schema.ts";
import { soundnessOf } from "./soundness.ts";
import { temporaryBeside } from "./temporaries.ts";
import { untouched } from "./untouched.ts";

/** Throws where something in the copy is not as a history's must be; `file` is what it is a copy of. */
function requireValid(copy: string, file: string): void {
  const db = new Database(copy, { readonly: true, fileMustExist: true });
  try {
    db.pragma("trusted_schema = OFF");
    const { damage, badRows } = soundnessOf(db, file);
    if (damage[0] !== undefined) throw new DamagedHistoryError(file, damage[0]);
    if (badRows[0] !== undefined) throw new InvalidRowsError(file, badRows);
  } finally {
    db.close();
  }
}

/** The same error, said of the file that was meant and not of the copy. */
function ofFile(error: unknown, file: string): unknown {
  const code = error instanceof Database.SqliteError ? error.code : "";
  return code.startsWith("SQLITE_CONSTRAINT")
    ? new DamagedHistoryError(file, (error as Error).message, error)
    : translate(error, file);
}

/**
 * Gives `use` the path of a copy of `file` with the newest schema, kept beside `near` and removed afterwards. `file` is
 * not touched. Throws the errors of errors.ts where it is no sound history that this program knows.
 */
export function withSnapshot<T>(file: string, near: string, use: (copy: string) => T): T {
  const copy = temporaryBeside(near);
  try {
    try {
      if (sizeOf(file) === null) throw new HistoryIoError(file, "there is no such file");
      checkHeader(file, MIGRATIONS.length);
      untouched(file, near, (source) => {
        requireSound(source, file);
        makeOwn(copy);
        source.prepare("VACUUM INTO ?").run(copy);
      });
      openFile(copy, { keepCopy: false, called: file }).db.close();
      settle(copy, "It was copied from another history while the run went on");
      requireValid(copy, file);
    } catch (error) {
      throw ofFile(error, file);
    }
    return use(copy);
  } finally {
    removeDatabase(copy);
  }
}
