import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The folder that package.json is in. */
export const ROOT = resolve(import.meta.dirname, "..", "..");

/** Where things are kept that can be fetched or made again; outside the tree, shared by all clones. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  return process.env.RECLAIM_LAB_CACHE ?? join(base?.startsWith("/") ? base : join(homedir(), ".cache"), "reclaim-lab");
}
