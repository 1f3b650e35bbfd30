import { expect, it } from "vitest";
import { printable } from "./printable.ts";

it("shows what would not be seen, and leaves the rest", () => {
  expect(printable("node")).toBe("node");
  expect(printable("a\u001b[31m\nb\u202e")).toBe("a\\u001b[31m\\u000ab\\u202e");
});
