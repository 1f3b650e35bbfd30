import { expect, test } from "vitest";
import { HugeFiles } from "./huge-files.ts";

const SLOT = 2 ** 21;
const BASE = 2 ** 45;

function mapped(slots: number, about: { offset?: number; backing?: "file" | "sharedfile" | "anon" } = {}): HugeFiles {
  const files = new HugeFiles();
  files.note({ op: "mmap", addr: BASE, len: slots * SLOT, prot: "rw", backing: "sharedfile", file: 1, ...about }, 0);
  return files;
}

/** An access to a slot, `at` bytes into it; `made`: the model made a table for it. */
function access(files: HugeFiles, slot: number, at = 0, made = true): void {
  files.note({ op: "touch", addr: BASE + slot * SLOT + at, len: 4096, access: "r" }, made ? 4 : 0);
}

test("slots of a file that were faulted on once may have no table, from four of them on", () => {
  const files = mapped(8);
  for (let slot = 0; slot < 3; slot++) access(files, slot);
  expect(files.kb).toBe(0);
  access(files, 3);
  expect(files.kb).toBe(16);
  access(files, 4);
  expect(files.kb).toBe(20);
});

test("a second fault elsewhere in the slot shows that there is one; again at the same place it does not", () => {
  const files = mapped(8);
  for (let slot = 0; slot < 8; slot++) access(files, slot);
  access(files, 0, 8192, false);
  expect(files.kb).toBe(32);
  access(files, 0, 2 ** 16, false);
  access(files, 1, 2 ** 20, false);
  expect(files.kb).toBe(24);
});

test("memory without a file, and mappings that no huge page fits into, are certain", () => {
  for (const files of [mapped(8, { backing: "anon" }), mapped(8, { offset: 4096 })]) {
    for (let slot = 0; slot < 8; slot++) access(files, slot);
    expect(files.kb).toBe(0);
  }
});

test("what is unmapped, mapped over or given back is no longer in doubt", () => {
  const files = mapped(16);
  for (let slot = 0; slot < 16; slot++) access(files, slot);
  expect(files.kb).toBe(64);
  files.note({ op: "munmap", addr: BASE + 4 * SLOT, len: 4 * SLOT }, -16);
  expect(files.kb).toBe(48);
  files.note({ op: "madvise", addr: BASE, len: 2 * SLOT, advice: "dontneed" }, -8);
  // Two of the first four remain: too few.
  expect(files.kb).toBe(32);
  files.note({ op: "mmap", addr: BASE, len: 16 * SLOT, prot: "rw", backing: "anon" }, 0);
  expect(files.kb).toBe(0);
});

test("populating makes all of them at once; a private copy is of small pages", () => {
  const files = mapped(8);
  files.note({ op: "madvise", addr: BASE, len: 8 * SLOT, advice: "populate_read" }, 32);
  expect(files.kb).toBe(32);
  access(files, 0, 0, false);
  expect(files.kb).toBe(28);
  const copies = mapped(8, { backing: "file" });
  for (let slot = 0; slot < 8; slot++)
    copies.note({ op: "touch", addr: BASE + slot * SLOT, len: 4096, access: "w" }, 4);
  expect(copies.kb).toBe(0);
});

test("a sample that has tables fewer tells which slots are huge, and one that has all tells that none of the others is", () => {
  const files = mapped(8);
  access(files, 0);
  expect([files.learn(2), files.missingKb]).toEqual([false, 0]);
  expect([files.learn(1), files.missingKb]).toEqual([true, 4]);
  access(files, 1);
  files.confirm();
  expect([files.learn(1), files.missingKb]).toEqual([false, 4]);
  access(files, 2);
  access(files, 3);
  // Of four slots one is huge for certain: the others are what may be missing besides.
  expect([files.kb, files.missingKb]).toEqual([12, 4]);
  // A second fault elsewhere in it: there was a table.
  access(files, 0, 2 ** 20, false);
  expect(files.missingKb).toBe(0);
  expect(files.learn(2)).toBe(true);
  files.note({ op: "munmap", addr: BASE + 2 * SLOT, len: SLOT }, -4);
  expect(files.missingKb).toBe(4);
});
