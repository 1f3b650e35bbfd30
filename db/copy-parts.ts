/** Copies a history that nobody has open together with the log that was left beside it, as long as that is no harm. */
import { chmodSync, copyFileSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { HistoryError } from "./errors.ts";
import { OWN_MODE, removeDatabase, sizeOf } from "./files.ts";

/** No history that was in use leaves a longer log; one of holes says that it has any number of bytes. */
const LOG_BYTES_MAX = 16 * 2 ** 30;

/**
 * Copies `file` and its log to `copy`, which nobody else can read. Throws HistoryError, and copies nothing, where they
 * have more than `bytesMax` bytes or than there is room for, or the log more than one has.
 */
export function copyParts(file: string, copy: string, bytesMax = Number.POSITIVE_INFINITY): void {
  const logBytes = sizeOf(`${file}-wal`) ?? 0;
  const bytes = logBytes + (sizeOf(file) ?? 0);
  const { bavail, bsize } = statfsSync(dirname(copy));
  if (bytes > Math.min(bytesMax, bavail * bsize) || logBytes > LOG_BYTES_MAX)
    throw new HistoryError("This history can be read as a copy only, and is too large for that here", {
      where: file,
      why: `${bytes.toLocaleString("en-US")} bytes, its log among them`,
      todo: "If a program that had it open was ended, open it with that one: it takes in the log",
    });
  copyOne(file, copy);
  if (logBytes === 0) return;
  try {
    copyOne(`${file}-wal`, `${copy}-wal`);
  } catch (error) {
    // The last process that had the history open has put the log into it by now, and taken the log away.
    if (sizeOf(`${file}-wal`) !== null) throw error;
    removeDatabase(copy);
    copyOne(file, copy);
  }
}

function copyOne(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, OWN_MODE);
}
