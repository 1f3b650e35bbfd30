/** Folders, and those that they are in. */
import { mkdirSync, rmdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * Makes a folder and those that it is in, one by one: Node's own `recursive` never returns where the kernel denies that a folder can be
 * made in one that is there, as in /proc. Returns those that it made, the innermost first: none where it is there. Throws what the file
 * system says, and then leaves none behind.
 */
export function makeFolders(path: string, mode = 0o777): readonly string[] {
  const full = resolve(path);
  if (isFolder(full)) return [];
  const above = dirname(full) === full ? [] : makeFolders(dirname(full), mode);
  try {
    mkdirSync(full, { mode });
    return [full, ...above];
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code === "EEXIST" && isFolder(full)) return above;
    removeEmpty(above);
    throw error;
  }
}

/** Removes folders, the innermost first, up to one that somebody else put something in. */
export function removeEmpty(folders: readonly string[]): void {
  try {
    for (const folder of folders) rmdirSync(folder);
  } catch {
    // It stays, with those that it is in.
  }
}
