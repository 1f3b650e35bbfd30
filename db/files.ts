/** Files that are either whole or not there: written under another name in the same folder, synced, then renamed. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { ReclaimLabError } from "../engine/error.ts";
import { codeOf } from "./file-error.ts";
import { temporaryBeside } from "./temporaries.ts";

/** Of files that hold what somebody did: for nobody else. */
export const OWN_MODE = 0o600;

/** An empty file for SQLite to fill, which nobody else can read meanwhile. */
export function makeOwn(file: string): void {
  closeSync(openSync(file, "wx", OWN_MODE));
}

/** Waits until the file's bytes are on the disk. */
export function syncFile(file: string): void {
  const fd = openSync(file, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The file is in its place and whole; only that its name survives a loss of power is not confirmed. */
class NotConfirmedError extends ReclaimLabError {
  override readonly name = "NotConfirmedError";
  constructor(file: string, cause: unknown) {
    super(
      "The file is complete, but the disk did not confirm its name: if the machine loses power now, the file may be lost",
      {
        where: file,
        why: cause instanceof Error ? cause.message : String(cause),
        todo: "Check the disk; then write the file again, or copy it to another disk",
        cause,
      },
    );
  }
}

/** File systems that cannot sync a folder say so by these; they keep names in ways of their own. */
const NO_FOLDER_SYNC = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EBADF", "EACCES", "EPERM", "EISDIR"]);

/**
 * Waits until the name of a file that was just put in its place is on the disk. Windows cannot open a folder and needs
 * no such thing. Throws NotConfirmedError where the disk fails.
 */
export function confirmName(file: string): void {
  if (process.platform === "win32") return;
  try {
    syncFile(dirname(file));
  } catch (error) {
    if (error instanceof Error && "code" in error && NO_FOLDER_SYNC.has(String(error.code))) return;
    throw new NotConfirmedError(file, error);
  }
}

/**
 * Puts a finished temporary file in its place; what was there before is replaced in one step. Throws NotConfirmedError
 * where it is in its place all the same.
 */
export function publish(temporary: string, file: string): void {
  // What was there before stays open to whom it was open to; a new one is its owner's alone.
  chmodSync(temporary, (statSync(file, { throwIfNoEntry: false })?.mode ?? OWN_MODE) & 0o777);
  syncFile(temporary);
  renameSync(temporary, file);
  confirmName(file);
}

/** Gives a file another name; false where that name is taken already. `from` may stay. */
export function putInPlace(from: string, to: string): boolean {
  try {
    linkSync(from, to);
  } catch (error) {
    if (sizeOf(to) !== null) return false;
    const code = codeOf(error);
    if (code === "" || code === "ENOSPC") throw error;
    // A file system without hard links; there two that create the same history at once could meet.
    renameSync(from, to);
  }
  return true;
}

/**
 * Removes a file that is in nobody's way should it stay: what was done is done, whatever becomes of the clean-up. A
 * temporary that stays is removed by a later process (temporaries.ts).
 */
export function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It stays.
  }
}

/** Writes a small file as a whole: it holds what it held, or `text`. Throws what the file system says. */
export function writeText(file: string, text: string): void {
  const temporary = temporaryBeside(file);
  try {
    writeFileSync(temporary, text);
    publish(temporary, file);
  } catch (error) {
    removeIfPossible(temporary);
    throw error;
  }
}

/** Size in bytes, or null where there is no such file. */
export function sizeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.size ?? null;
}

/** Why what is at a path cannot be a file of ours; null where it is a file, or nothing is there. */
export function notAFile(path: string): string | null {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isFile()) return null;
  if (there !== undefined) return there.isDirectory() ? "it is a folder" : "it is a device or a pipe, not a file";
  const link = lstatSync(path, { throwIfNoEntry: false });
  return link?.isSymbolicLink() ? `it is a link to ${readlinkSync(path)}, which is not there` : null;
}

/** What SQLite keeps beside a database, whose names it opens unasked. */
const BESIDE = ["-wal", "-shm", "-journal"];

/**
 * Why SQLite must not be given the file: it, or what lies where its log would, is no file. A pipe there would be waited
 * for without end; a link would have another file written to. Null where nothing is in the way.
 */
export function notADatabase(file: string): string | null {
  const odd = notAFile(file);
  if (odd !== null) return odd;
  const place = placeOf(file);
  for (const suffix of BESIDE) {
    const there = lstatSync(place + suffix, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile())
      return `${place}${suffix}, where its log would be, is ${there.isSymbolicLink() ? "a link" : there.isDirectory() ? "a folder" : "a device or a pipe"}, not a file: remove it`;
  }
  return null;
}

/** Where a file lies, links followed; where nothing is there, the path itself. */
export function placeOf(path: string): string {
  return sizeOf(path) === null ? path : realpathSync(path);
}

/** Removes a temporary SQLite file and what SQLite keeps beside it, as far as that can be done. */
export function removeDatabase(file: string): void {
  for (const suffix of ["", ...BESIDE]) removeIfPossible(file + suffix);
}

/** What a history is called, without the ending. */
export const stemOf = (file: string): string => basename(file).replace(/\.(sqlite3?|db)$/, "");

/** `history.before-v2.20260131T235959Z.sqlite`: the nth name beside a history for a copy of before something, made at that time. */
export function copyName(file: string, what: string, ms: number, n: number): string {
  return join(dirname(file), `${stemOf(file)}.before-${what}.${stamp(ms)}${n === 1 ? "" : `-${n}`}.sqlite`);
}

/** 20260131T235959Z: sorts by time and is a valid name everywhere. */
function stamp(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
}

/** Whether both paths lead to one and the same file that is there. */
export function isSameFile(a: string, b: string): boolean {
  const [one, other] = [a, b].map((path) => {
    try {
      return statSync(path, { throwIfNoEntry: false });
    } catch {
      // Whoever reads or writes it says why it cannot be looked at.
      return undefined;
    }
  });
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}
