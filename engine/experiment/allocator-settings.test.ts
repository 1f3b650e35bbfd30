/** Advice is what a trial showed: each has its row in docs/advice.md, which `npm run docs:advice` writes. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ALLOCATOR_SETTINGS, settingsAgainst } from "./allocator-settings.ts";

const [advised, notAdvised] = readFileSync(new URL("../../docs/advice.md", import.meta.url), "utf8").split(
  "## Tried, and not advised",
);

/** Cells of the rows of a table that tell of a trial. */
const rowsOf = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| ") && line.includes("`"))
    .map((line) => line.slice(2, -2).split(" | "));

describe.each(ALLOCATOR_SETTINGS)("$setting", ({ allocator, setting }) => {
  const rows = rowsOf(advised).filter(([of, advice]) => of === allocator && advice === `\`${setting}\``);

  test("has one trial, of a named version, in which it helped", () => {
    expect(rows).toHaveLength(1);
    const [, , program, version, verdict] = rows[0];
    expect(program).not.toBe("");
    expect(version).toMatch(/\d+\.\d+/);
    expect(verdict).toMatch(/^\*\*helps\*\*: /);
  });
});

test("a program that sets it by itself is not told to", () => {
  const settings = (program: string) => settingsAgainst(new Set(["small_pieces"]), ["jemalloc"], program);
  expect(settings("churn")).toHaveLength(1);
  expect(settings("redis-server")).toEqual([]);
});

test("no trial is kept of what is advised no more, and nothing that was dropped is advised", () => {
  expect(rowsOf(advised)).toHaveLength(ALLOCATOR_SETTINGS.length);
  const advice = new Set(ALLOCATOR_SETTINGS.map(({ setting }) => `\`${setting}\``));
  for (const [, dropped] of rowsOf(notAdvised)) expect(advice.has(dropped)).toBe(false);
});
