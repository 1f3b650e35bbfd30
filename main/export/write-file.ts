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
import { isOfAHistory } from "../../db/header.ts";
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
function notWritten(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (error instanceof ReclaimLabError || code === "") return error;
  return new ExportError(path, WHY[code] ?? whyOf(error), { todo: TODO[code] ?? "Choose another place", cause: error });
}

/** Those of the file that is replaced, whatever the umask; where the file system has none, its own stay. */
function keepRights(fd: number, mode: number): void {
  try {
    fchmodSync(fd, mode & 0o777);
  } catch {
    // What is written is what counts.
  }
}

/** A file that is being written. It is there when it is finished, and not at all when it is given up. */
interface WholeFile {
  write(part: string | Uint8Array): void;
  /** The bytes written. */
  finish(): number;
  /** Takes nothing away of what is finished. */
  giveUp(): void;
}

/** `place`: what is put in its place at the end; null where it is written as it is. */
function wholeFile(fd: number, place: { readonly temporary: string; readonly target: string } | null): WholeFile {
  let bytes = 0;
  let isOpen = true;
  let isThere = false;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    closeSync(fd);
  };
  return {
    write(part) {
      const data = typeof part === "string" ? Buffer.from(part, "utf8") : part;
      for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
      bytes += data.length;
    },
    finish() {
      if (place !== null) fsyncSync(fd);
      close();
      if (place === null) return bytes;
      renameSync(place.temporary, place.target);
      isThere = true;
      confirmName(place.target);
      return bytes;
    },
    giveUp() {
      try {
        close();
      } catch {
        // What went wrong before is what is said.
      }
      if (place !== null && !isThere) removeIfPossible(place.temporary);
    },
  };
}

function openWhole(path: string): WholeFile {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
  const odd = there === undefined ? notAFile(path) : null;
  if (odd !== null) throw new ExportError(path, odd);
  if (there && !there.isFile()) {
    // Throws where nobody reads a pipe, instead of waiting for somebody.
    if (there.isFIFO()) closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return wholeFile(openSync(path, constants.O_WRONLY), null);
  }
  if (isOfAHistory(path)) throw new ExportError(path, "it is a history", { todo: "Choose another file" });
  const target = there ? realpathSync(path) : path;
  const temporary = temporaryBeside(target);
  const fd = openSync(temporary, "wx", there ? there.mode : 0o666);
  if (there) keepRights(fd, there.mode);
  return wholeFile(fd, { temporary, target });
}

/**
 * Writes the parts to a temporary file beside `path`, syncs it and renames it into place; returns the bytes written.
 * A symbolic link is followed. What is not a regular file (a pipe, /dev/stdout) is written as it is. Nothing takes the place of a
 * history. Throws ExportError, and what `parts` throw.
 */
export function writeWhole(path: string, parts: Iterable<string | Uint8Array>): number {
  let file: WholeFile | undefined;
  try {
    file = openWhole(path);
    for (const part of parts) file.write(part);
    return file.finish();
  } catch (error) {
    throw notWritten(error, path);
  } finally {
    file?.giveUp();
  }
}

/** The same of parts that come in time: `body` is given what writes one. */
export async function writeWholeAs<T>(path: string, body: (write: WholeFile["write"]) => Promise<T>): Promise<T> {
  let file: WholeFile | undefined;
  try {
    file = openWhole(path);
    const result = await body(file.write);
    file.finish();
    return result;
  } catch (error) {
    throw notWritten(error, path);
  } finally {
    file?.giveUp();
  }
}
