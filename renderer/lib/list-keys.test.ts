import { expect, test } from "vitest";
import { pageRows, rowAfter } from "./list-keys.ts";

test("keys lead from row to row and no further than the list", () => {
  const after = (key: string, at: number) => rowAfter({ key, altKey: false }, at, 10, 4);
  expect(["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"].map((key) => after(key, 5))).toEqual([
    6, 4, 9, 1, 0, 9,
  ]);
  expect([after("ArrowUp", 0), after("ArrowDown", 9), after("PageUp", 2)]).toEqual([0, 9, 0]);
  expect([after("Enter", 5), after("a", 5)]).toEqual([undefined, undefined]);
  expect(rowAfter({ key: "End", altKey: false }, 0, 0, 4)).toBe(0);
  // The first page, the view before.
  expect(rowAfter({ key: "Home", altKey: true }, 5, 10, 4)).toBeUndefined();
});

test("a page is a row at least", () => {
  expect(pageRows(undefined, 32)).toBe(1);
  expect(pageRows({ clientHeight: 320 } as HTMLElement, 32)).toBe(9);
  expect(pageRows({ clientHeight: 320 } as HTMLElement, 32, 2)).toBe(8);
});
