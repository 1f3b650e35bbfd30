/** Files that are either whole or not there: written under another name in the same folder, synced, then renamed. */
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { temporaryBeside } from "./temporaries.ts";

/** Waits until the file's bytes are on the disk. */
export function syncFile(file: string): void {
  const fd = openSync(file, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Waits until a rename in the folder is on the disk. Windows cannot open a folder and needs no such thing. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  syncFile(folder);
}

/** Puts a finished temporary file in its place; what was there before is replaced in one step. */
export function publish(temporary: string, file: string): void {
  syncFile(temporary);
  renameSync(temporary, file);
  syncFolder(dirname(file));
}

/** Writes a small file as a whole: it holds what it held, or `text`. Throws what the file system says. */
export function writeText(file: string, text: string): void {
  const temporary = temporaryBeside(file);
  try {
    writeFileSync(temporary, text);
    publish(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
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

/** Where a file lies, links followed; where nothing is there, the path itself. */
export function placeOf(path: string): string {
  return sizeOf(path) === null ? path : realpathSync(path);
}

/** Removes a SQLite file and what SQLite keeps beside it. */
export function removeDatabase(file: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(file + suffix, { force: true });
}

/** 20260131T235959Z: sorts by time and is a valid name everywhere. */
export function stamp(ms: number): string {
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
