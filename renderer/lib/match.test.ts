import { expect, test } from "vitest";
import { matchScore, rank } from "./match.ts";

const names = ["Export as CSV", "New experiment", "Run again", "Races", "Compare runs"];

test("starts of words first, then middles, then letters in order", () => {
  expect(rank("run", names, (name) => name)).toEqual(["Run again", "Compare runs"]);
  expect(rank("exp", names, (name) => name)).toEqual(["Export as CSV", "New experiment"]);
  expect(rank("cmpr", names, (name) => name)).toEqual(["Compare runs"]);
});

test("every word typed must be there; nothing typed keeps the order", () => {
  expect(rank("csv export", names, (name) => name)).toEqual(["Export as CSV"]);
  expect(rank(" ", names, (name) => name)).toEqual(names);
  expect(matchScore("xyz", "Races")).toBeUndefined();
});
