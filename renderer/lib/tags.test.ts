import { expect, test } from "vitest";
import { readTags, tagsProblem } from "./tags.ts";

test("tags are split at commas, each once, none empty", () => {
  expect(readTags(" canary, 6.18 ,, canary,two words ")).toEqual(["canary", "6.18", "two words"]);
  expect(readTags("  ")).toEqual([]);
});

test("what the history would refuse is said before", () => {
  expect(tagsProblem(["a".repeat(60)])).toBeUndefined();
  expect(tagsProblem(["a".repeat(61)])).toContain("longer than 60");
  expect(tagsProblem(Array.from({ length: 51 }, (_, i) => String(i)))).toContain("More than 50");
});
