/** Builds the app, and the probe, when their sources are newer than what was built last. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureProbe } from "../../probe/detect.ts";
import { ROOT } from "./paths.ts";
import { SetupError, say } from "./say.ts";

const SOURCES = ["engine", "probe", "db", "chart", "main", "renderer"];
const FILES = ["package.json", "package-lock.json", "vite.config.ts", "tsconfig.json"];
const STAMP = join(ROOT, "dist", ".built");

/** Name, size and time of every source file, in one digest. */
function fingerprint(): string {
  const hash = createHash("sha256");
  const add = (path: string) => {
    const about = statSync(join(ROOT, path), { throwIfNoEntry: false });
    if (about !== undefined) hash.update(`${path}\0${about.size}\0${about.mtimeMs}\n`);
  };
  for (const folder of SOURCES) {
    if (!existsSync(join(ROOT, folder))) continue;
    const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries
      .filter((each) => each.isFile())
      .map((each) => join(each.parentPath, each.name))
      .sort())
      add(entry.slice(ROOT.length + 1));
  }
  for (const file of FILES) add(file);
  return hash.digest("hex");
}

/** Gives true where something had to be built. Without a compiler there is no probe: said, and all but measured runs works. */
export function buildIfNeeded(): boolean {
  const noProbe = ensureProbe();
  if (noProbe !== null) say(`measured runs are off: ${noProbe}`);
  const now = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === now) return false;
  say("building");
  const vite = join(ROOT, "node_modules", "vite", "bin", "vite.js");
  const done = spawnSync(process.execPath, [vite, "build", "--app", "--logLevel", "warn"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (done.status !== 0) throw new SetupError(`the build failed:\n${done.stdout}${done.stderr}`.trim());
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  writeFileSync(STAMP, now);
  return true;
}
