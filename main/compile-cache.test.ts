/** The cache of compiled code: a real one, of processes of the command line. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pruneCompiled } from "./compile-cache.ts";

const CLI = resolve(import.meta.dirname, "cli.ts");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reclaim-lab-compiled-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function policies(env: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, "policies"], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    timeout: 120_000,
  });
  return { status, out: stdout.toString(), err: stderr.toString() };
}

test("what no build has written for long is removed, and nothing else", () => {
  // Node keeps most of it from the second start on.
  for (let starts = 0; starts < 2; starts++) expect(policies({ XDG_CACHE_HOME: folder }).status).toBe(0);
  const cache = join(folder, "reclaim-lab", "compiled");
  const [version = ""] = readdirSync(cache).filter((name) => name.startsWith("v"));
  const fresh = readdirSync(join(cache, version));
  expect(fresh.length).toBeGreaterThan(10);
  const old = (name: string): string => {
    const path = join(cache, name);
    writeFileSync(path, "x");
    utimesSync(path, 1, 1);
    return path;
  };
  mkdirSync(join(cache, "v20.1.0-x64-00000000-0"));
  mkdirSync(join(cache, "notes"));
  mkdirSync(join(folder, "elsewhere"));
  symlinkSync(join(folder, "elsewhere"), join(cache, "v21.1.0-x64-00000000-0"));
  const gone = [old(`${version}/0a1b2c3d`), old("v20.1.0-x64-00000000-0/0a1b2c3d")];
  const stays = [old(`${version}/mine.txt`), old("notes/0a1b2c3d"), old("v21.1.0-x64-00000000-0/0a1b2c3d")];
  pruneCompiled(cache);
  expect(
    gone.filter((path) => existsSync(path)),
    "looked at a moment ago",
  ).toEqual(gone);
  pruneCompiled(cache, Date.now() + 2 * 24 * 3600 * 1000);
  expect([...gone, join(cache, "v20.1.0-x64-00000000-0")].filter((path) => existsSync(path))).toEqual([]);
  expect(stays.filter((path) => existsSync(path))).toEqual(stays);
  expect(readdirSync(join(cache, version)).toSorted()).toEqual([...fresh, "mine.txt"].toSorted());
});

test.skipIf(!existsSync("/proc/self"))("a command needs no place for it, and makes none where it is", () => {
  for (const env of [{ HOME: "" }, { HOME: "relative" }, { HOME: "/proc" }, { XDG_CACHE_HOME: "/proc/x" }]) {
    expect({ env, ...policies(env) }).toMatchObject({ env, status: 0, err: "" });
    expect(readdirSync(folder)).toEqual([]);
  }
});
