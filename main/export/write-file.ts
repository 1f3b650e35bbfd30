/** Writes an export: whole or not at all. */
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { confirmName, notAFile, removeIfPossible } from "../../db/files.ts";
import { temporaryBeside } from "../../db/temporaries.ts";
import { ReclaimLabError } from "../../engine/error.ts";

/** The export could not be made or written; nothing half-written is left behind. */
export class ExportError extends ReclaimLabError {
  override readonly name = "ExportError";
}

const REASONS: Readonly<Record<string, readonly [why: string, todo: string]>> = {
  ENOSPC: ["no space is left on the device", "Free some space or choose another place"],
  EDQUOT: ["your quota on the device is used up", "Free some space or choose another place"],
  EACCES: ["you may not write to the folder or file", "Choose another place"],
  EPERM: ["you may not write to the folder or file", "Choose another place"],
  EROFS: ["the file system is read-only", "Choose another place"],
  ENOENT: ["there is no such folder", "Create the folder first or choose another place"],
  ENOTDIR: ["a part of the path is not a folder", "Choose another place"],
  EISDIR: ["it is a folder", "Give it the name of a file"],
  ELOOP: ["its symbolic links form a loop", "Choose another place"],
  ENXIO: ["nothing reads from this pipe", "Start its reader first, or choose another place"],
  EPIPE: ["the reader of this pipe has exited", "Choose another place"],
  ENAMETOOLONG: ["the name is too long", "Choose a shorter one"],
};

function named(error: unknown, path: string): unknown {
  if (error instanceof ReclaimLabError) return error;
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  const known = REASONS[code];
  if (known === undefined && code === "") return error;
  const [why, todo] = known ?? [error instanceof Error ? error.message : code, "Choose another place"];
  return new ExportError("The export was not written", { where: path, why, todo, cause: error });
}

function writeAll(fd: number, parts: Iterable<string | Uint8Array>): number {
  let bytes = 0;
  for (const part of parts) {
    const data = typeof part === "string" ? Buffer.from(part, "utf8") : part;
    for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
    bytes += data.length;
  }
  return bytes;
}

/** Those of the file that is replaced, whatever the umask; where the file system has none, its own stay. */
function keepRights(fd: number, mode: number): void {
  try {
    fchmodSync(fd, mode & 0o777);
  } catch {
    // What is written is what counts.
  }
}

/**
 * Writes the parts to a temporary file beside `path`, syncs it and renames it into place; returns the bytes written.
 * A symbolic link is followed. What is not a regular file (a pipe, /dev/stdout) is written as it is. Throws ExportError.
 */
export function writeWhole(path: string, parts: Iterable<string | Uint8Array>): number {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
    const odd = there === undefined ? notAFile(path) : null;
    if (odd !== null)
      throw new ExportError("The export was not written", { where: path, why: odd, todo: "Choose another place" });
    if (there && !there.isFile()) {
      // Throws where nobody reads a pipe, instead of waiting for somebody.
      if (there.isFIFO()) closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
      const fd = openSync(path, constants.O_WRONLY);
      try {
        return writeAll(fd, parts);
      } finally {
        closeSync(fd);
      }
    }
    const target = there ? realpathSync(path) : path;
    const temporary = temporaryBeside(target);
    const fd = openSync(temporary, "wx", there ? there.mode : 0o666);
    let bytes: number;
    try {
      try {
        if (there) keepRights(fd, there.mode);
        bytes = writeAll(fd, parts);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, target);
    } catch (error) {
      removeIfPossible(temporary);
      throw error;
    }
    confirmName(target);
    return bytes;
  } catch (error) {
    throw named(error, path);
  }
}
