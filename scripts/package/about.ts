/** What the packages are called, and where things are made and put. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/paths.ts";

const about = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  name: string;
  version: string;
};

export const NAME = about.name;
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
