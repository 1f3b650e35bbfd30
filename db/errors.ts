/**
 * What can be wrong with a history, each by its name: what happened, to which file, why, and what to do.
 * `translate` turns SQLite's own errors into these; nothing else in db/ looks at SQLite's codes.
 */
import { accessSync, constants, rmSync, statfsSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";
import { BadInputError, ReclaimLabError } from "../engine/error.ts";
import { codeOf, isOfTheName, whyOf } from "./file-error.ts";

/** The base of everything that is wrong with a history file; the file is left as it was. */
export class HistoryError extends ReclaimLabError {
  override readonly name: string = "HistoryError";
}

/** The file is no SQLite database, or the database of another program. */
export class ForeignFileError extends HistoryError {
  override readonly name = "ForeignFileError";
  override readonly badInput = true;
  constructor(file: string, why: string) {
    super("This file is not a Reclaim Lab history; it was left untouched", {
      where: file,
      why,
      todo: "Choose another file, or a new name to start a new history",
    });
  }
}

/** The history was written by a newer version of the program. */
export class NewerHistoryError extends HistoryError {
  override readonly name = "NewerHistoryError";
  override readonly badInput = true;
  constructor(file: string, found: number, known: number) {
    super("This history is from a newer Reclaim Lab; it was left untouched", {
      where: file,
      why: `its schema is version ${found} and this program knows up to ${known}`,
      todo: "Update Reclaim Lab, open an older copy (*.before-v*.sqlite next to it), or start a new history",
    });
  }
}

/** The history is truncated or corrupt. */
export class DamagedHistoryError extends HistoryError {
  override readonly name = "DamagedHistoryError";
  override readonly badInput = true;
  constructor(file: string, why: string, cause?: unknown) {
    super("This history is damaged; it was left untouched", {
      where: file,
      why,
      todo: "Open a backup, recover what can be read into a new file, or start a new history",
      cause,
    });
  }
}

/** The tables of the history were changed by somebody else: a view in the place of one, a trigger, one more. */
export class AlteredHistoryError extends HistoryError {
  override readonly name = "AlteredHistoryError";
  override readonly badInput = true;
  constructor(file: string, why: string) {
    super("The tables of this history are not those that Reclaim Lab makes; it was left untouched", {
      where: file,
      why,
      todo: "Save what can be read into a new history (history recover FILE NEW), open a backup, or remove what was added",
    });
  }
}

/** Rows of the history hold values that none can have; nothing of it was taken over. */
export class InvalidRowsError extends HistoryError {
  override readonly name = "InvalidRowsError";
  override readonly badInput = true;
  constructor(file: string, rows: readonly string[]) {
    const more = rows.length > 1 ? ` (and ${rows.length - 1} more)` : "";
    super("This history holds rows that are not valid; nothing was taken over and it was left untouched", {
      where: file,
      why: `${rows[0]}${more}`,
      todo: "Save the valid rows into a new history and use that one: history recover FILE NEW",
    });
  }
}

/** The migrations that the file says it went through are not the ones that this program has. */
export class MigrationLedgerError extends HistoryError {
  override readonly name = "MigrationLedgerError";
  override readonly badInput = true;
  constructor(file: string, why: string) {
    super("This history went through migrations that this program does not know; it was left untouched", {
      where: file,
      why,
      todo: "Open it with the version of Reclaim Lab that wrote it, or start a new history",
    });
  }
}

/** Another process has held the file for longer than the waiting time. */
export class HistoryBusyError extends HistoryError {
  override readonly name = "HistoryBusyError";
  constructor(file: string, cause?: unknown) {
    super("The history is in use by another program", {
      where: file,
      why: "it held its lock on the file past the timeout",
      todo: "Close the other program, or wait until it has finished, and try again; nothing was lost",
      cause,
    });
  }
}

/** The file or its folder cannot be written. */
class HistoryReadOnlyError extends HistoryError {
  override readonly name = "HistoryReadOnlyError";
  override readonly badInput = true;
  constructor(file: string, why: string, cause?: unknown) {
    super("The history cannot be written", {
      where: file,
      why,
      todo: "Make the file and its folder writable, or choose another history",
      cause,
    });
  }
}

/** No space is left where the history is kept. */
export class HistoryFullError extends HistoryError {
  override readonly name = "HistoryFullError";
  constructor(file: string, cause?: unknown) {
    super("The disk is full: the last change was not stored, what was stored before is safe", {
      where: file,
      why: "no space is left on the device, or the file has reached its maximum size",
      todo: "Free some space and try again",
      cause,
    });
  }
}

/** Reading or writing the file failed; without a cause, it is not what a history can be. */
export class HistoryIoError extends HistoryError {
  override readonly name = "HistoryIoError";
  override readonly badInput: boolean;
  constructor(file: string, why: string, cause?: unknown) {
    super("The history cannot be read or written", {
      where: file,
      why,
      todo: "Check the disk and the path, then try again",
      cause,
    });
    this.badInput = cause === undefined || isOfTheName(cause);
  }
}

/** An id that is not in the history. */
export class NotFoundError extends BadInputError {
  override readonly name = "NotFoundError";
  constructor(what: "experiment" | "run", id: number) {
    super(`There is no ${what} ${id} in this history`, {
      todo: "`list` shows the experiments; purged ones are gone",
    });
  }
}

/** The run or experiment is not in a state in which this can be done. */
export class StateError extends BadInputError {
  override readonly name = "StateError";
}

/** A value that the history cannot hold. */
export class BadValueError extends BadInputError {
  override readonly name = "BadValueError";
}

/** SQLite says only that it cannot open a file where its folder takes no log beside it; null where the folder does. */
function whyNotWritable(file: string): string | null {
  for (const path of [dirname(file), file]) {
    try {
      accessSync(path, constants.W_OK);
    } catch (error) {
      const reason = codeOf(error);
      if (reason === "EROFS") return `${path} is on a read-only file system`;
      if (reason === "EACCES" || reason === "EPERM") return `${path} is not writable for you`;
    }
  }
  return null;
}

/** So little room counts as none: SQLite's files grow by more. */
const ROOM_BYTES_MIN = 256 * 1024;

/** SQLite often says only that reading or writing failed: whether that is for want of room. */
function isFull(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    if (bavail * bsize < ROOM_BYTES_MIN) return true;
    // A quota is not seen there.
    const probe = `${file}.rl-room-${process.pid}.tmp`;
    try {
      writeFileSync(probe, Buffer.alloc(64 * 1024, 0xa5), { flag: "wx" });
      return false;
    } catch (error) {
      return codeOf(error) === "ENOSPC" || codeOf(error) === "EDQUOT";
    } finally {
      rmSync(probe, { force: true });
    }
  } catch {
    return false;
  }
}

/** The named error for one that SQLite or the file system threw; errors that are named already pass through. */
export function translate(error: unknown, file: string): unknown {
  if (error instanceof ReclaimLabError) return error;
  // What the store wrote as JSON is read as JSON: where it is not, the file was changed by something else.
  if (error instanceof SyntaxError)
    return new DamagedHistoryError(file, `a stored value cannot be read: ${error.message}`, error);
  const code = codeOf(error);
  const message = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ");
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) return new HistoryBusyError(file, error);
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT") return new HistoryFullError(file, error);
  if (code.startsWith("SQLITE_IOERR") && isAbsolute(file) && isFull(file)) return new HistoryFullError(file, error);
  if (code.startsWith("SQLITE_CORRUPT")) return new DamagedHistoryError(file, message, error);
  if (code.startsWith("SQLITE_NOTADB")) return new ForeignFileError(file, message);
  if (code.startsWith("SQLITE_READONLY") || code === "EACCES" || code === "EPERM" || code === "EROFS")
    return new HistoryReadOnlyError(file, whyNotWritable(file) ?? message, error);
  if (code.startsWith("SQLITE_CONSTRAINT") || code === "SQLITE_MISMATCH" || code === "SQLITE_TOOBIG")
    return new BadValueError("The history cannot hold this value", { where: file, why: message, cause: error });
  if (code.startsWith("SQLITE_CANTOPEN")) {
    const why = whyNotWritable(file);
    if (why !== null) return new HistoryReadOnlyError(file, why, error);
  }
  if (code.startsWith("SQLITE_CANTOPEN") || code.startsWith("SQLITE_IOERR") || /^E[A-Z]+$/.test(code))
    return new HistoryIoError(file, isOfTheName(error) ? whyOf(error) : message, error);
  if (code.startsWith("SQLITE_"))
    return new HistoryError("The history failed with an error", {
      where: file,
      why: `${code}: ${message}`,
      cause: error,
    });
  return error;
}
