import { expect, test } from "vitest";
import { type KeyPress, keyCaps, matches } from "./keys.ts";

const press = (key: string, held: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});

test("a chord matches only with its own modifiers", () => {
  expect(matches(press("k", { ctrlKey: true }), "Ctrl+K")).toBe(true);
  expect(matches(press("k", { metaKey: true }), "Ctrl+K")).toBe(true);
  expect(matches(press("k"), "Ctrl+K")).toBe(false);
  expect(matches(press("K", { ctrlKey: true, shiftKey: true }), "Ctrl+K")).toBe(false);
  expect(matches(press("K", { ctrlKey: true, shiftKey: true }), "Ctrl+Shift+K")).toBe(true);
  expect(matches(press("ArrowLeft", { shiftKey: true }), "ArrowLeft")).toBe(false);
});

test("signs that need Shift on some keyboards match either way", () => {
  expect(matches(press("?", { shiftKey: true }), "?")).toBe(true);
  expect(matches(press("?"), "?")).toBe(true);
  expect(matches(press("+", { shiftKey: true }), "+")).toBe(true);
  expect(matches(press("+", { ctrlKey: true }), "Ctrl++")).toBe(true);
});

test("caps as they are drawn", () => {
  expect(keyCaps("Ctrl+Shift+e")).toEqual(["Ctrl", "Shift", "E"]);
  expect(keyCaps("ArrowLeft")).toEqual(["←"]);
  expect(keyCaps("+")).toEqual(["+"]);
  expect(keyCaps("Delete")).toEqual(["Del"]);
});
