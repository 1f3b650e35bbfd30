/** Electron's fuses: what electron-builder.yml asks for, and what a built program really has. */
import { FuseV1Options, getCurrentFuseWire } from "@electron/fuses";
import { SetupError } from "../lib/say.ts";

/** What a packaged window must have; electron-builder.yml says the same, and packaging fails where they differ. */
export const FUSES_WANTED: Readonly<Record<keyof typeof FuseV1Options, boolean>> = {
  RunAsNode: false,
  EnableCookieEncryption: true,
  EnableNodeOptionsEnvironmentVariable: false,
  EnableNodeCliInspectArguments: false,
  EnableEmbeddedAsarIntegrityValidation: true,
  OnlyLoadAppFromAsar: true,
  LoadBrowserProcessSpecificV8Snapshot: false,
  GrantFileProtocolExtraPrivileges: false,
};

/** What stands for a fuse in the program: the digits 1 and 0. */
const ON = 0x31;
const OFF = 0x30;

type FuseName = keyof typeof FuseV1Options;

/** Reads the fuses of a built program: its executable, or the .app on macOS. Fuses that it does not have are null. */
export async function readFuses(executable: string): Promise<Record<FuseName, boolean | null>> {
  const wire = await getCurrentFuseWire(executable);
  const states = Object.keys(FUSES_WANTED).map((name) => {
    const state = wire[FuseV1Options[name as FuseName]];
    return [name, state === ON ? true : state === OFF ? false : null];
  });
  return Object.fromEntries(states) as Record<FuseName, boolean | null>;
}

/** Throws SetupError where a program's fuses are not as they must be. */
export async function checkFuses(executable: string): Promise<void> {
  const found = await readFuses(executable);
  const wrong = (Object.keys(FUSES_WANTED) as FuseName[]).filter((name) => found[name] !== FUSES_WANTED[name]);
  if (wrong.length === 0) return;
  const words = wrong.map((name) => `${name} is ${found[name]}, not ${FUSES_WANTED[name]}`);
  throw new SetupError(`the fuses of ${executable} are not as they must be: ${words.join("; ")}`);
}
