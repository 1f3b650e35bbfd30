/**
 * The first 100 bytes of a SQLite file (https://www.sqlite.org/fileformat2.html#the_database_header), read without
 * SQLite, so that a file which is not ours is not touched in any way.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { DamagedHistoryError, ForeignFileError, HistoryError, HistoryIoError, NewerHistoryError } from "./errors.ts";
import { notADatabase, placeOf, sizeOf } from "./files.ts";
import { isRegular } from "./regular.ts";
import { APPLICATION_ID } from "./schema.ts";

const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";

/** Throws HistoryIoError unless the file, and what lies where SQLite keeps its log, are files or not there. */
export function requireFiles(file: string): void {
  const odd = notADatabase(file);
  if (odd !== null) throw new HistoryIoError(file, odd);
}

/** Fewer where the file has fewer. */
function firstBytes(file: string, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  const fd = openSync(file, "r");
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, count, 0));
  } finally {
    closeSync(fd);
  }
}

const isSqlite = (header: Buffer): boolean => header.toString("latin1", 0, MAGIC.length) === MAGIC;
/** SQLite's number of the program whose file it is. */
const applicationIdIn = (header: Buffer): number => header.readUInt32BE(68);

function readHeader(file: string): { header: Buffer; size: number } {
  requireFiles(file);
  return { header: firstBytes(file, HEADER_BYTES), size: statSync(file).size };
}

/** Begins the file as a history of ours does? False where it cannot be read. */
function isHistory(file: string): boolean {
  if (!isRegular(file)) return false;
  try {
    const header = firstBytes(file, HEADER_BYTES);
    return header.length === HEADER_BYTES && isSqlite(header) && applicationIdIn(header) === APPLICATION_ID;
  } catch {
    return false;
  }
}

/** A history, or what SQLite keeps beside one. */
export function isOfAHistory(file: string): boolean {
  return isHistory(file) || isHistory(file.replace(/-(?:wal|shm|journal)$/, ""));
}

/** Throws ForeignFileError unless the file begins as SQLite's do. */
export function requireSqlite(file: string): void {
  const { header } = readHeader(file);
  if (!isSqlite(header)) throw new ForeignFileError(file, "it is not a SQLite database");
}

/**
 * Throws HistoryError where a rollback journal would be played back into the file: no history of ours has one, and it
 * may put any page in the place of one that was looked at.
 */
function requireNoJournal(file: string): void {
  const journal = `${placeOf(file)}-journal`;
  if ((sizeOf(journal) ?? 0) === 0) return;
  // SQLite's own mark of one that is done with.
  if (firstBytes(journal, 1)[0] === 0) return;
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
  // Asked first: once a log is gone, what it held is in the file.
  const hasLog = (sizeOf(`${placeOf(file)}-wal`) ?? 0) > 0;
  const { header, size } = readHeader(file);
  if (header.length < HEADER_BYTES) throw new DamagedHistoryError(file, `it was cut off after ${header.length} bytes`);
  const applicationId = applicationIdIn(header);
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
  if (sizeIsValid && size < expected && !hasLog)
    throw new DamagedHistoryError(file, `it was cut off: ${size} of ${expected} bytes are left`);
  requireNoJournal(file);
}
