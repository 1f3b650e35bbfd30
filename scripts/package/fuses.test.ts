/** What packaging makes of electron-builder.yml's fuses, on a file that has Electron's fuse wire and nothing else. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FuseV1Options, FuseVersion, flipFuses } from "@electron/fuses";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ROOT } from "../lib/paths.ts";
import { checkFuses, FUSES_WANTED, readFuses } from "./fuses.ts";

const SENTINEL = "dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX";
const NAMES = Object.keys(FUSES_WANTED) as (keyof typeof FuseV1Options)[];

let folder: string;
let program: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reclaim-lab-fuses-"));
  program = join(folder, "program");
  // Sentinel, version 1, number of fuses, one digit each: as Electron is shipped, most of them open.
  const wire = Buffer.concat([Buffer.from(SENTINEL), Buffer.from([1, NAMES.length]), Buffer.from("10110001")]);
  writeFileSync(program, Buffer.concat([Buffer.alloc(64), wire, Buffer.alloc(64)]));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The fuses of electron-builder.yml, by its own names. */
function configured(): Record<number, boolean> {
  const [, block = ""] =
    /^electronFuses:\n((?: .*\n)+)/m.exec(readFileSync(join(ROOT, "electron-builder.yml"), "utf8")) ?? [];
  const states: Record<number, boolean> = {};
  for (const [, name = "", on] of block.matchAll(/^ {2}(\w+): (true|false)$/gm)) {
    const found = NAMES.find((each) => each.toLowerCase() === name.toLowerCase());
    if (found !== undefined) states[FuseV1Options[found]] = on === "true";
  }
  return states;
}

it("an Electron as it is shipped is refused, each open fuse by its name", async () => {
  const wrong = await checkFuses(program).then(
    () => "taken",
    (error: Error) => error.message,
  );
  for (const name of [
    "RunAsNode is true",
    "EnableNodeOptionsEnvironmentVariable is true",
    "OnlyLoadAppFromAsar is false",
  ])
    expect(wrong).toContain(name);
});

it("with what electron-builder.yml asks for it is taken, and with any one other it is not", async () => {
  const config = configured();
  expect(Object.keys(config)).toHaveLength(NAMES.length);
  await flipFuses(program, { version: FuseVersion.V1, ...config });
  expect(await readFuses(program)).toEqual(FUSES_WANTED);
  await checkFuses(program);
  for (const name of NAMES) {
    const other = join(folder, name);
    copyFileSync(program, other);
    await flipFuses(other, { version: FuseVersion.V1, ...config, [FuseV1Options[name]]: !FUSES_WANTED[name] });
    await expect(checkFuses(other), name).rejects.toThrow(
      `${name} is ${!FUSES_WANTED[name]}, not ${FUSES_WANTED[name]}`,
    );
  }
});
