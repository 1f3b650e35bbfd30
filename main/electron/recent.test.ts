import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recentFilesIn } from "./recent.ts";

let folder: string;
let changes: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "recent-"));
  changes = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = () =>
  recentFilesIn(folder, () => {
    changes += 1;
  });

test("the newest is first, each is there once, at most ten, and they outlive the program", () => {
  const recent = open();
  for (let i = 0; i < 12; i++) recent.add(`/captures/trace-${i}.txt`);
  recent.add("/captures/trace-5.txt");
  const names = ["trace-5.txt", ...[11, 10, 9, 8, 7, 6, 4, 3, 2].map((i) => `trace-${i}.txt`)];
  expect(recent.list().map((file) => file.name)).toEqual(names);
  expect(open().list()).toEqual(recent.list());
  expect(changes).toBe(13);
  expect(JSON.stringify(recent.list())).not.toContain("/captures");
});

test("a file that is gone is named, and taken off the list", async () => {
  const path = join(folder, "events.txt");
  await writeFile(path, "");
  const recent = open();
  recent.add(path);
  const id = recent.list()[0]?.id ?? "";
  expect(recent.path(id)).toBe(path);
  await rm(path);
  expect(() => recent.path(id)).toThrow("events.txt no longer exists");
  expect(open().list()).toEqual([]);
  expect(() => recent.path(id)).toThrow("not one of the recent files");
});

test("a list that cannot be read is an empty one", async () => {
  await writeFile(join(folder, "recent.json"), '[{"id":"short","path":5}]');
  expect(open().list()).toEqual([]);
});
