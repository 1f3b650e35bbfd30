/** What Node compiled of the program, kept between starts in the user's cache; entries of builds that are gone are removed. */
import { readdirSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { makeFolders } from "../db/folders.ts";

const DAY_MS = 24 * 3600 * 1000;
/** What is used all the same is compiled again: once in so long. */
const KEPT_MS = 30 * DAY_MS;
/** Node's names: a folder for each of its versions, a file for each of the program's. */
const FOLDER = /^v\d+\./;
const ENTRY = /^[0-9a-f]{8}(\.|$)/;
/** When entries were last looked at. */
const MARK = ".looked-at";

/** Null where a user has no cache: no home, or none by an absolute path. */
function cacheFolder(): string | null {
  try {
    const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
    return isAbsolute(cache) ? join(cache, "reclaim-lab", "compiled") : null;
  } catch {
    return null;
  }
}

/** From now on what is compiled is kept, where there is a place for it. Returns the folder. */
export function keepCompiled(): string | null {
  const folder = cacheFolder();
  try {
    // Node's own way to make it never returns where the kernel denies it, as in /proc.
    if (folder !== null) makeFolders(folder, 0o700);
  } catch {
    return null;
  }
  if (folder !== null) enableCompileCache(folder);
  return folder;
}

function ageMs(path: string, nowMs: number): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? Number.POSITIVE_INFINITY : nowMs - found.mtimeMs;
}

/**
 * Removes what Node wrote there more than 30 days ago; looks once a day. Another process that would have used it compiles it
 * again. Nothing else in the folder is touched, and no link is followed. Never throws.
 */
export function pruneCompiled(folder: string, nowMs: number = Date.now()): void {
  try {
    const mark = join(folder, MARK);
    if (ageMs(mark, nowMs) < DAY_MS) return;
    // Not through a link that lies there; where another process is quicker, it looks.
    rmSync(mark, { force: true });
    writeFileSync(mark, "", { flag: "wx" });
    for (const version of readdirSync(folder, { withFileTypes: true })) {
      if (!version.isDirectory() || !FOLDER.test(version.name)) continue;
      const place = join(folder, version.name);
      let left = 0;
      for (const entry of readdirSync(place, { withFileTypes: true })) {
        const path = join(place, entry.name);
        if (entry.isFile() && ENTRY.test(entry.name) && ageMs(path, nowMs) > KEPT_MS) rmSync(path, { force: true });
        else left++;
      }
      if (left === 0) rmdirSync(place);
    }
  } catch {
    // Somebody else looks there too, or it may not be written: another day.
  }
}
