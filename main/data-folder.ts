/** Where the lab keeps what it keeps: one place for window and command line. */
import { existsSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import * as v from "valibot";
import { HistoryIoError } from "../db/errors.ts";
import { readJson, writeJson } from "./json-file.ts";

/** RECLAIM_LAB_DATA, else the system's place for a user's data. */
export function dataFolder(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  const chosen = env.RECLAIM_LAB_DATA;
  if (chosen !== undefined && chosen !== "") return resolve(chosen);
  if (platform === "darwin") return join(homedir(), "Library", "Application Support", "reclaim-lab");
  if (platform === "win32") return join(env.APPDATA ?? join(homedir(), "AppData", "Roaming"), "reclaim-lab");
  const base = env.XDG_DATA_HOME;
  // The specification says to ignore what is not absolute.
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), ".local", "share"), "reclaim-lab");
}

/** A path as people read it: "~" for their own folder. */
export function shownPath(path: string, home: string = homedir()): string {
  return path === home || path.startsWith(join(home, "/")) ? `~${path.slice(home.length)}` : path;
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
  const { history } = readJson(choiceFile(folder), choiceSchema, { history: ownHistory(folder) });
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
