import { expect, test } from "vitest";
import { readTags } from "./tags.ts";

test("tags are split at commas, each once, none empty", () => {
  expect(readTags(" canary, 6.18 ,, canary,two words ")).toEqual(["canary", "6.18", "two words"]);
  expect(readTags("  ")).toEqual([]);
});
