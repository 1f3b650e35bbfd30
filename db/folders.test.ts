import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeFolders, removeEmpty } from "./folders.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reclaim-lab-folders-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("makes a folder and those that it is in, all with its mode, and leaves what is there", () => {
  const path = join(folder, "a", "b", "c");
  makeFolders(path, 0o700);
  expect([join(folder, "a"), path].map((each) => statSync(each).mode & 0o777)).toEqual([0o700, 0o700]);
  makeFolders(path, 0o755);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test("a file in the way, or a link to nothing, is said by the file system", () => {
  writeFileSync(join(folder, "file"), "");
  symlinkSync(join(folder, "nowhere"), join(folder, "link"));
  expect(() => makeFolders(join(folder, "file", "below"))).toThrow(/EEXIST|ENOTDIR/);
  expect(() => makeFolders(join(folder, "file"))).toThrow(/EEXIST/);
  expect(() => makeFolders(join(folder, "link"))).toThrow(/EEXIST/);
});

test("where one of them cannot be made, none is left; those that were there stay", () => {
  const there = join(folder, "there");
  makeFolders(there);
  expect(() => makeFolders(join(there, "a", "b", "x".repeat(300), "c"))).toThrow(/ENAMETOOLONG/);
  expect(readdirSync(there)).toEqual([]);
});

test("those that were made are told and taken away, up to one that is used", () => {
  const made = makeFolders(join(folder, "a", "b", "c"));
  expect(made).toEqual(["a/b/c", "a/b", "a"].map((each) => join(folder, each)));
  expect(makeFolders(join(folder, "a", "b"))).toEqual([]);
  writeFileSync(join(folder, "a", "used"), "");
  removeEmpty(made);
  expect(readdirSync(join(folder, "a"))).toEqual(["used"]);
});

test.skipIf(!existsSync("/proc/self"))("where no folder can be made, that is said at once", () => {
  expect(() => makeFolders("/proc/reclaim-lab/below/it")).toThrow(/ENOENT/);
});
