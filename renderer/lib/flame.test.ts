import { expect, test } from "vitest";
import { depthOf, flameOf, pathTo } from "./flame.ts";

const entry = (stack: string[], kb: number, reason = "no_reclaim") => ({ stack, reason, kb, tables: kb / 4 });

test("functions that called each other lie above each other, as wide as what was emptied in them", () => {
  const blame = [entry(["main", "outer", "inner"], 400), entry(["main", "outer"], 100), entry([], 8, "below_table")];
  const root = flameOf(blame, "all");
  expect(root.value).toBe(508);
  expect(root.children.map(({ name, value }) => [name, value])).toEqual([
    ["main", 500],
    ["(no stack in the trace)", 8],
  ]);
  const outer = root.children[0].children[0];
  expect([outer.name, outer.value]).toEqual(["outer", 500]);
  // What is emptied in it stands beside what it called.
  expect(outer.children.map(({ name, value, reason }) => [name, value, reason])).toEqual([
    ["inner", 400, false],
    ["released completely; stays without reclaim", 100, true],
  ]);
  expect(depthOf(root)).toBe(5);
  expect(pathTo(root, blame[1])).toEqual([0, 0, 1]);
  expect(pathTo(root, blame[2])).toEqual([1, 0]);
});

test("a function that is called like a reason is not taken for it", () => {
  const root = flameOf(
    [entry(["moved elsewhere"], 4, "mremap"), entry(["moved elsewhere", "moved elsewhere"], 8, "mremap")],
    "all",
  );
  expect(root.children).toHaveLength(1);
  expect(root.children[0].children.map(({ reason, value }) => [reason, value])).toEqual([
    [true, 4],
    [false, 8],
  ]);
});
