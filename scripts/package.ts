/**
 * `npm run package [-- dir|tar.gz|deb|AppImage|dmg|nsis|zip ...]`: the packages that people install, into release/.
 * Without a name: the folder, the tar.gz and the .deb, which need nothing from the network. The others are
 * electron-builder's own, on the system that they are for and with open network.
 */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ensureProbe } from "../probe/detect.ts";
import { buildIfNeeded } from "./lib/build.ts";
import { findElectron, rememberElectron } from "./lib/electron-runtime.ts";
import { ROOT } from "./lib/paths.ts";
import { runScript, SetupError, say } from "./lib/say.ts";
import { LINUX_FOLDER, RELEASE, WINDOW_PROGRAM } from "./package/about.ts";
import { command } from "./package/command.ts";
import { makeDeb } from "./package/deb.ts";
import { checkFuses } from "./package/fuses.ts";
import { stage } from "./package/stage.ts";
import { makeTar } from "./package/tar.ts";

/** For trying packages out where nothing else can be had. */
const ALLOW = "--allow-unsupported-electron";
const OURS = ["dir", "tar.gz", "deb"];
const THEIRS: Readonly<Record<string, readonly string[]>> = {
  linux: ["AppImage"],
  darwin: ["dmg", "zip"],
  win32: ["nsis", "zip"],
};

function targets(asked: readonly string[]): string[] {
  const possible = [...(process.platform === "linux" ? OURS : ["dir"]), ...(THEIRS[process.platform] ?? [])];
  for (const name of asked)
    if (!possible.includes(name))
      throw new SetupError(`there is no package "${name}" on ${process.platform}; possible are ${possible.join(", ")}`);
  if (asked.length > 0) return [...asked];
  return process.platform === "linux" ? OURS : ["dir"];
}

/** Where the window's program is in the unpacked folder of this system. */
function windowProgram(): string {
  if (process.platform === "linux") return join(LINUX_FOLDER, WINDOW_PROGRAM);
  if (process.platform === "win32") return join(RELEASE, "win-unpacked", `${WINDOW_PROGRAM}.exe`);
  const folder = process.arch === "arm64" ? "mac-arm64" : "mac";
  return join(RELEASE, folder, "Reclaim Lab.app");
}

await runScript(async () => {
  const words = process.argv.slice(2);
  const wanted = targets(words.filter((word) => word !== ALLOW));
  const electron = await findElectron();
  say(`packing ${electron.chosen}`);
  if (electron.fault !== null) {
    if (!words.includes(ALLOW))
      throw new SetupError(
        `${electron.fault}: it is packed for no one. Package where the supported one can be fetched, or add ${ALLOW} for a package that never leaves this machine`,
      );
    say(`WARNING: ${electron.fault}`);
  }
  buildIfNeeded();
  rememberElectron(electron.version);
  const noProbe = ensureProbe();
  if (noProbe !== null) {
    if (process.platform === "linux") throw new SetupError(`a package for Linux brings the probe, and ${noProbe}`);
    say(`without the probe: ${noProbe}`);
  }
  mkdirSync(RELEASE, { recursive: true });
  await stage(electron.version);
  const system = { linux: "--linux", darwin: "--mac", win32: "--win" }[process.platform as string] ?? "--linux";
  const theirs = wanted.filter((name) => !OURS.includes(name));
  command(process.execPath, [
    join(ROOT, "node_modules", "electron-builder", "cli.js"),
    system,
    ...(theirs.length > 0 ? theirs : ["dir"]),
    "--publish=never",
    `-c.electronDist=${electron.dist}`,
    `-c.electronVersion=${electron.version}`,
  ]);
  await checkFuses(windowProgram());
  const made = [windowProgram()];
  if (wanted.includes("tar.gz")) made.push(makeTar(LINUX_FOLDER));
  if (wanted.includes("deb")) made.push(makeDeb(LINUX_FOLDER));
  for (const file of made) {
    if (!existsSync(file)) throw new SetupError(`${file} was not made`);
    say(`${file} (${(statSync(file).size / 2 ** 20).toFixed(0)} MiB)`);
  }
  return 0;
});
