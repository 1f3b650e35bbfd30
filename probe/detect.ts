/** What this machine can measure, found out by doing it. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildProbe } from "./build.ts";
import { PROBE_PATH } from "./locate.ts";

export type Detected =
  | {
      readonly available: true;
      readonly release: string;
      /** Does MADV_DONTNEED of whole PTE tables give the tables back? */
      readonly reclaims: boolean;
      readonly processMadvise: boolean;
      readonly guard: boolean;
      readonly uffdWp: boolean;
      /** Page-table memory of the probe itself, in kB; measured values are over and above it. */
      readonly ownKb: number;
    }
  | { readonly available: false; readonly why: string; readonly todo: string };

const NO: Detected & { available: false } = {
  available: false,
  why: "",
  todo: "Runs on the model do not need it (--source model)",
};

function outOfDate(): boolean {
  if (process.env.RECLAIM_PROBE !== undefined) return false;
  const built = statSync(PROBE_PATH, { throwIfNoEntry: false })?.mtimeMs;
  const sources = fileURLToPath(new URL("./src/", import.meta.url));
  if (!existsSync(sources)) return false;
  if (built === undefined) return true;
  return readdirSync(sources).some((name) => statSync(sources + name).mtimeMs > built);
}

/** Builds the probe where it is missing or older than its sources. Returns null, or why there is none. */
export function ensureProbe(): string | null {
  if (process.platform !== "linux") return `measured runs need Linux; this is ${process.platform}`;
  const why = outOfDate() ? buildProbe() : null;
  if (why !== null) return why;
  return existsSync(PROBE_PATH) ? null : "the probe is missing; in the sources, npm run build:probe makes it";
}

/** Asks the probe what the running kernel does. Takes some milliseconds (half a second where it has to be built). */
export function detect(): Detected {
  const missing = ensureProbe();
  if (missing !== null) return { ...NO, why: missing };
  const run = spawnSync(PROBE_PATH, ["detect"], { encoding: "utf8", timeout: 10_000 });
  if (run.error) return { ...NO, why: `the probe does not start: ${run.error.message}` };
  if (run.status !== 0) return { ...NO, why: run.stderr.trim() || `the probe ended with ${run.signal ?? run.status}` };
  const seen = JSON.parse(run.stdout);
  return {
    available: true,
    release: String(seen.release),
    reclaims: seen.reclaims === true,
    processMadvise: seen.process_madvise === true,
    guard: seen.guard === true,
    uffdWp: seen.uffd_wp === true,
    ownKb: Number(seen.own_kb),
  };
}
