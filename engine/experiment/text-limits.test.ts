import { expect, test } from "vitest";
import { notesProblem, TAG_MAX, tagProblem, tagsProblem, titleProblem } from "./text-limits.ts";

test("what fits is no problem", () => {
  expect([titleProblem("a".repeat(500)), tagProblem("a".repeat(60)), notesProblem("a".repeat(100_000))]).toEqual(
    new Array(3).fill(null),
  );
  expect(tagsProblem(Array.from({ length: 50 }, (_, i) => String(i)))).toBeNull();
});

test("what does not is told with the limit, what it is, and what to do", () => {
  expect(titleProblem("a".repeat(1612))).toBe(
    "A title has at most 500 characters and this one has 1,612: shorten it, or put the rest into the notes",
  );
  expect(titleProblem("  ")).toBe("A title cannot be empty");
  expect(tagsProblem(["ok", "b".repeat(TAG_MAX + 1)])).toBe(
    "A tag has at most 60 characters and “bbbbbbbbbbbbbbbbbbbb…” has 61: shorten it, or put it into the notes",
  );
  expect(tagsProblem(["ok", " "])).toBe("A tag cannot be empty");
  expect(tagsProblem(Array.from({ length: 51 }, (_, i) => String(i)))).toMatch(
    /at most 50 tags and these are 51: remove/,
  );
  expect(notesProblem("a".repeat(100_001))).toMatch(/at most 100,000 characters and these have 100,001: shorten/);
});
