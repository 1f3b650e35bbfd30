/** Which files are histories, as far as their first bytes tell. */
import { closeSync, openSync, readSync } from "node:fs";
import { isRegular } from "./regular.ts";
import { APPLICATION_ID } from "./schema.ts";

const MAGIC = "SQLite format 3\0";
/** Where the header has the number of the program whose file it is (SQLite: database file format, 1.3). */
const APPLICATION_ID_AT = 68;

/** Begins the file as a history of ours does? False where it cannot be read. */
function isHistory(path: string): boolean {
  if (!isRegular(path)) return false;
  const head = Buffer.alloc(APPLICATION_ID_AT + 4);
  try {
    const fd = openSync(path, "r");
    try {
      if (readSync(fd, head, 0, head.length, 0) < head.length) return false;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
  return head.toString("latin1", 0, MAGIC.length) === MAGIC && head.readUInt32BE(APPLICATION_ID_AT) === APPLICATION_ID;
}

/** A history, or what SQLite keeps beside one. */
export function isOfAHistory(path: string): boolean {
  return isHistory(path) || isHistory(path.replace(/-(?:wal|shm|journal)$/, ""));
}
