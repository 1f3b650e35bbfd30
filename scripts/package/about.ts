/** What the packages are called, and where things are made and put. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/paths.ts";

const about = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  name: string;
  version: string;
  homepage: string;
};

export const NAME = about.name;
export const HOMEPAGE = about.homepage;
/** When the sources were changed last, in seconds since 1970: the date of all that is packed (reproducible-builds.org). */
export const SOURCE_DATE = sourceDate();

function sourceDate(): number {
  const given = process.env.SOURCE_DATE_EPOCH ?? "";
  if (/^\d+$/.test(given)) return Number(given);
  const { stdout } = spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: ROOT, encoding: "utf8" });
  const committed = Number((stdout ?? "").trim());
  return committed > 0 ? committed : 0;
}

export const VERSION = about.version;
/** The window's program; the command line has the project's name to itself. */
export const WINDOW_PROGRAM = "reclaim-lab-window";
export const RELEASE = join(ROOT, "release");
export const PACKAGING = join(ROOT, "packaging");
/** Made anew for each package: icons, and the files that lie beside the program. */
export const STAGING = join(RELEASE, ".staging");
/** electron-builder's unpacked program, what tar.gz and .deb are made of. */
export const LINUX_FOLDER = join(RELEASE, "linux-unpacked");
export const TAR_FILE = join(RELEASE, `${NAME}-${VERSION}-linux-x64.tar.gz`);
export const DEB_FILE = join(RELEASE, `${NAME}_${VERSION}_amd64.deb`);
