/** What the file system says, in words, and whether it is about the name that was given. */
import { ReclaimLabError } from "../engine/error.ts";

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "it is a folder",
  EEXIST: "a file with that name exists",
  ELOOP: "its symbolic links form a loop",
  ENAMETOOLONG: "the name is too long",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENXIO: "nothing reads from this pipe",
  EPIPE: "the reader of this pipe has exited",
  ENOSPC: "no space is left on the device",
  EDQUOT: "your quota on the device is used up",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
};

/** Another name or other rights would help; where the device fails, they would not. */
const OF_THE_NAME: ReadonlySet<string> = new Set([
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "EEXIST",
  "ELOOP",
  "ENAMETOOLONG",
  "EACCES",
  "EPERM",
  "EROFS",
  "ENXIO",
]);

/** The code of an error of the system or of SQLite; empty where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

export const isOfTheName = (error: unknown): boolean => OF_THE_NAME.has(codeOf(error));

/** Why the file system refused, in words; what it says itself where there are none. */
export function whyOf(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  return WORDS[codeOf(error)] ?? said.replace(/\s+/g, " ");
}

/** A file that is no history cannot be read or written, and nobody nearer to it said what it is. */
export class FileError extends ReclaimLabError {
  override readonly name = "FileError";
  override readonly badInput: boolean;
  constructor(error: Error & { readonly path?: unknown; readonly dest?: unknown }) {
    const [path] = [error.path, error.dest].filter((each) => typeof each === "string");
    super(path === undefined ? "A file cannot be read or written" : "The file cannot be read or written", {
      where: path,
      why: whyOf(error),
      todo: "Check the disk and the path, then try again",
      cause: error,
    });
    this.badInput = isOfTheName(error);
  }
}
