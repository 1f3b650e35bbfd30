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
import { codeOf, isOfTheName, whyOf } from "../../db/file-error.ts";
import { confirmName, notAFile, removeIfPossible } from "../../db/files.ts";
import { temporaryBeside } from "../../db/temporaries.ts";
import { ReclaimLabError } from "../../engine/error.ts";

/** A file could not be written; nothing half-written is left behind. */
export class ExportError extends ReclaimLabError {
  override readonly name = "ExportError";
  override readonly badInput: boolean;
  constructor(path: string, why: string, facts: { readonly todo?: string; readonly cause?: unknown } = {}) {
    super("The file was not written", { where: path, why, todo: "Choose another place", ...facts });
    // Without a cause, the name is of something that cannot be written to.
    this.badInput = facts.cause === undefined || isOfTheName(facts.cause);
  }
}

/** What is said otherwise of a file that is to be written. */
const WHY: Readonly<Record<string, string>> = {
  EACCES: "you may not write to the folder or file",
  EPERM: "you may not write to the folder or file",
  ENOENT: "there is no such folder",
};
const TODO: Readonly<Record<string, string>> = {
  ENOSPC: "Free some space or choose another place",
  EDQUOT: "Free some space or choose another place",
  ENOENT: "Create the folder first or choose another place",
  EISDIR: "Give it the name of a file",
  ENXIO: "Start its reader first, or choose another place",
  ENAMETOOLONG: "Choose a shorter one",
};

/** The named error for what the file system threw while a file was written; others pass through. */
export function notWritten(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (error instanceof ReclaimLabError || code === "") return error;
  return new ExportError(path, WHY[code] ?? whyOf(error), { todo: TODO[code] ?? "Choose another place", cause: error });
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
    if (odd !== null) throw new ExportError(path, odd);
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
    throw notWritten(error, path);
  }
}
