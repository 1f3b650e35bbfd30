/** Folders, and those that they are in. */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * Makes a folder and those that it is in, one by one: Node's own `recursive` never returns where the kernel denies that a folder can be
 * made in one that is there, as in /proc. Does nothing where it is there. Throws what the file system says.
 */
export function makeFolders(path: string, mode = 0o777): void {
  const full = resolve(path);
  if (isFolder(full)) return;
  if (dirname(full) !== full) makeFolders(dirname(full), mode);
  try {
    mkdirSync(full, { mode });
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !isFolder(full)) throw error;
  }
}
