import { expect, test } from "vitest";
import { lastOfEach } from "./last-of-each.ts";

test("a view's command stands in for the app's of the same name, in its place", () => {
  const app = [
    { id: "run", of: "app" },
    { id: "cancel", of: "app" },
  ];
  const view = [
    { id: "cancel", of: "view" },
    { id: "zoom", of: "view" },
  ];
  expect(lastOfEach([...app, ...view], (each) => each.id)).toEqual([
    { id: "run", of: "app" },
    { id: "cancel", of: "view" },
    { id: "zoom", of: "view" },
  ]);
});
