/** Small files that somebody else may have put where they lie. */
import { readFileSync, statSync } from "node:fs";

/** All that is read whole is smaller. */
const BYTES_MAX = 16 * 1024 * 1024;

/** Is it a file that ends, or a link to one? A pipe would be waited for, a device read without end. False where nothing can be seen there. */
export function isRegular(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The text of a regular file. Throws what the file system says, and where it is no such file or has more than 16 MiB. */
export function readRegular(path: string): string {
  const about = statSync(path);
  if (!about.isFile()) throw new Error(about.isDirectory() ? "it is a folder" : "it is a device or a pipe, not a file");
  if (about.size > BYTES_MAX) throw new Error("it has more than 16 MiB");
  return readFileSync(path, "utf8");
}
