/** The numbers that TypeScript writes and C reads stand in both. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  BACKING,
  END,
  FRAME,
  FRAME_DOUBLES,
  KIND,
  MAP_FLAG,
  MAP_RESERVE,
  RECORD,
  RECORD_DOUBLES,
  UFFD_ACTION,
  VMAS_LIST,
} from "./stream-format.ts";

const text = ["probe.h", "stream.c"]
  .map((file) => readFileSync(new URL(`./src/${file}`, import.meta.url), "utf8"))
  .join("\n");

/** What C defines under names that begin so: `OP_MMAP = 1` and `MAP_F_FILE = 1 << 1`. */
function defined(prefix: string): Record<string, number> {
  const found = text.matchAll(new RegExp(`\\b${prefix}([A-Z0-9_]+) (?:= )?(\\d+)(?: << (\\d+))?(?=[,; /\\n])`, "g"));
  return Object.fromEntries(
    [...found].map(([, name, value, shift]) => [name.toLowerCase(), Number(value) << Number(shift ?? 0)]),
  );
}

test("kinds of operations, which C names after the system call where the two differ", () => {
  const { tick, ...kinds } = KIND;
  expect(defined("OP_")).toEqual({ ...kinds, sleep: tick });
});

test("flags of a mapping", () => {
  const flags = Object.entries(MAP_FLAG).filter(([, bit]) => bit);
  const { shared, file, hugetlb } = BACKING;
  expect(BACKING.sharedfile).toBe(shared | file);
  expect(defined("MAP_F_")).toEqual({ ...Object.fromEntries(flags), shared, file, hugetlb, reserve: MAP_RESERVE });
  expect(defined("VMAS_F_")).toEqual({ list: VMAS_LIST });
});

test("actions of userfaultfd", () => expect(defined("UFFD_")).toEqual(UFFD_ACTION));

test("records and frames", () => {
  expect(defined("RECORD_")).toEqual({ ...RECORD, numbers: RECORD_DOUBLES });
  expect(defined("FRAME_")).toEqual({ ...FRAME, doubles: FRAME_DOUBLES });
  expect(END).toEqual({ done: 0, stopped: 1, memory: 2 });
});
