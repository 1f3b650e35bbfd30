/** Where the lab keeps what it keeps: one place for window and command line. */
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

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

/** The history of the desktop app, and of the command line unless `--db` says otherwise. */
export function historyFile(folder: string = dataFolder()): string {
  return join(folder, "history.sqlite");
}
