/**
 * The first 100 bytes of a SQLite file (https://www.sqlite.org/fileformat2.html#the_database_header), read without
 * SQLite, so that a file which is not ours is not touched in any way.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { DamagedHistoryError, ForeignFileError, HistoryError, HistoryIoError, NewerHistoryError } from "./errors.ts";
import { notADatabase, placeOf, sizeOf } from "./files.ts";
import { APPLICATION_ID } from "./schema.ts";

const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";

/** Throws HistoryIoError unless the file, and what lies where SQLite keeps its log, are files or not there. */
export function requireFiles(file: string): void {
  const odd = notADatabase(file);
  if (odd !== null) throw new HistoryIoError(file, odd);
}

function readHeader(file: string): { header: Buffer; size: number } {
  requireFiles(file);
  const fd = openSync(file, "r");
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const got = readSync(fd, header, 0, HEADER_BYTES, 0);
    return { header: header.subarray(0, got), size: statSync(file).size };
  } finally {
    closeSync(fd);
  }
}

/** Throws ForeignFileError unless the file begins as SQLite's do. */
export function requireSqlite(file: string): void {
  const { header } = readHeader(file);
  if (header.subarray(0, MAGIC.length).toString("latin1") !== MAGIC)
    throw new ForeignFileError(file, "it is not a SQLite database");
}

/**
 * Throws HistoryError where a rollback journal would be played back into the file: no history of ours has one, and it
 * may put any page in the place of one that was looked at.
 */
function requireNoJournal(file: string): void {
  const journal = `${placeOf(file)}-journal`;
  if ((sizeOf(journal) ?? 0) === 0) return;
  const first = Buffer.alloc(1);
  const fd = openSync(journal, "r");
  try {
    readSync(fd, first, 0, 1, 0);
  } finally {
    closeSync(fd);
  }
  // SQLite's own mark of one that is done with.
  if (first[0] === 0) return;
  throw new HistoryError("This history has a rollback journal of another program beside it; it was left untouched", {
    where: file,
    why: `${journal} holds what that program did not finish`,
    todo: "Open it once with the program that left it, or (if the history is a stranger's) move the journal away",
  });
}

/**
 * Throws unless the file is a history that this program may open, as far as the header tells.
 * `latest`: the newest schema version that is known.
 */
export function checkHeader(file: string, latest: number): void {
  requireSqlite(file);
  const { header, size } = readHeader(file);
  if (header.length < HEADER_BYTES) throw new DamagedHistoryError(file, `it was cut off after ${header.length} bytes`);
  const applicationId = header.readUInt32BE(68);
  if (applicationId !== APPLICATION_ID)
    throw new ForeignFileError(
      file,
      `it is a SQLite database of another program (application id 0x${applicationId.toString(16)})`,
    );
  const version = header.readUInt32BE(60);
  if (version > latest) throw new NewerHistoryError(file, version, latest);
  // 0: nothing was written yet. Another encoding could not be read together with ours.
  const encoding = header.readUInt32BE(56);
  if (encoding > 1) throw new ForeignFileError(file, "its texts are in UTF-16, which no history is written in");
  const sizeIsValid = header.readUInt32BE(24) === header.readUInt32BE(92);
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const expected = header.readUInt32BE(28) * pageSize;
  // Pages may still be in the write-ahead log only; then SQLite itself finds out what is missing.
  if (sizeIsValid && size < expected && (sizeOf(`${placeOf(file)}-wal`) ?? 0) === 0)
    throw new DamagedHistoryError(file, `it was cut off: ${size} of ${expected} bytes are left`);
  requireNoJournal(file);
}
