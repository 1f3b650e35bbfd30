import { expect, test } from "vitest";
import { distinctLabels, shorten } from "./labels.ts";

test("experiments of one title are told apart by their number", () => {
  const labels = distinctLabels([
    { id: 1, title: "jemalloc" },
    { id: 2, title: "50 GB" },
    { id: 7, title: "jemalloc" },
  ]);
  expect([...labels.values()]).toEqual(["jemalloc (no. 1)", "50 GB", "jemalloc (no. 7)"]);
});

test("long titles are cut in the middle", () => {
  expect(shorten("short", 10)).toBe("short");
  expect(shorten("The series' own experiment, chunk 4M", 21)).toBe("The series…, chunk 4M");
});
