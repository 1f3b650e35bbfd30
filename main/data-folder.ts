/** Where the lab keeps what it keeps: one place for window and command line. */
import { chmodSync, existsSync, lstatSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import * as v from "valibot";
import { HistoryIoError } from "../db/errors.ts";
import { makeFolders } from "../db/folders.ts";
import { ReclaimLabError } from "../engine/error.ts";
import { readJson, writeJson } from "./json-file.ts";

/** The user's own folder. Throws ReclaimLabError where the system knows none: a container's user may have none. */
export function homeFolder(): string {
  const home = homeOrNull();
  if (home !== null) return home;
  throw new ReclaimLabError("You have no home folder", {
    why: "HOME is not set, and the system has none for this user",
    todo: "Set HOME; or RECLAIM_LAB_DATA to the folder that the lab is to keep its history in",
  });
}

function homeOrNull(): string | null {
  try {
    return homedir();
  } catch {
    return null;
  }
}

/** RECLAIM_LAB_DATA, else the system's place for a user's data. */
export function dataFolder(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  const chosen = env.RECLAIM_LAB_DATA;
  if (chosen !== undefined && chosen !== "") return resolve(chosen);
  if (platform === "darwin") return join(homeFolder(), "Library", "Application Support", "reclaim-lab");
  if (platform === "win32") return join(env.APPDATA ?? join(homeFolder(), "AppData", "Roaming"), "reclaim-lab");
  const base = env.XDG_DATA_HOME;
  // The specification says to ignore what is not absolute.
  return join(base !== undefined && isAbsolute(base) ? base : join(homeFolder(), ".local", "share"), "reclaim-lab");
}

/** A path as people read it: "~" for their own folder. */
export function shownPath(path: string, home: string | null = homeOrNull()): string {
  if (home === null) return path;
  return path === home || path.startsWith(join(home, "/")) ? `~${path.slice(home.length)}` : path;
}

/**
 * Makes the folder if there is none, and closes it and the files of ours in it to others: what somebody measured is
 * nobody else's. As far as that can be done.
 */
export function closeToOthers(folder: string): void {
  const close = (path: string, mode: number): void => {
    try {
      const about = lstatSync(path);
      if (about.isSymbolicLink() || about.uid !== process.getuid?.()) return;
      if ((about.mode & 0o077) !== 0) chmodSync(path, mode);
    } catch {
      // A file system without modes, or it has gone.
    }
  };
  if (process.platform === "win32") return;
  makeFolders(folder, 0o700);
  // The user's own may lie elsewhere, behind a link.
  close(realpathSync(folder), 0o700);
  for (const name of readdirSync(folder))
    if (/\.(?:sqlite|json)(?:-wal|-shm)?$/.test(name)) close(join(folder, name), 0o600);
}

const choiceSchema = v.object({ history: v.pipe(v.string(), v.nonEmpty()) });
/** Says which history is used, where it is not the folder's own. */
const choiceFile = (folder: string): string => join(folder, "history.json");
/** The one that is used where no other was chosen. */
export const ownHistory = (folder: string): string => join(folder, "history.sqlite");

/**
 * The history of the desktop app, and of the command line unless `--db` says otherwise: the folder's own, or the one
 * that was chosen instead of it.
 */
export function historyFile(folder: string = dataFolder()): string {
  const file = choiceFile(folder);
  const { history } = readJson(file, choiceSchema, { history: ownHistory(folder) }, () => {
    throw new ReclaimLabError("Which history was chosen cannot be read", {
      where: file,
      why: 'it is not {"history": FILE}',
      todo: `Remove the file to use ${basename(ownHistory(folder))} beside it, or name a history with --db`,
    });
  });
  return resolve(folder, history);
}

/** From now on window and command line use this history. */
export function chooseHistory(folder: string, file: string): void {
  if (file === ownHistory(folder)) rmSync(choiceFile(folder), { force: true });
  // By its name where it is in the folder, which may then be moved.
  else writeJson(choiceFile(folder), { history: dirname(file) === folder ? basename(file) : file });
}

/** Throws where a history that was chosen is not there: a new one in its place would look as if all were lost. */
export function requireChosen(folder: string, file: string): void {
  if (file === ownHistory(folder) || existsSync(file)) return;
  throw new HistoryIoError(file, "there is no such file any more");
}
