import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { currentRaces, RACES_PAGE } from "./docs-races.ts";

test("docs/races.md says what the explorer finds now; `npm run docs:races` writes it anew", () => {
  expect(readFileSync(RACES_PAGE, "utf8")).toBe(currentRaces());
});
