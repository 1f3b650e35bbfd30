import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PRESETS } from "../workload/presets/index.ts";
import { validateParams } from "./params.ts";
import { featuresOf, isMeasured, isPolicyId, POLICIES, POLICY_IDS, policyOf } from "./policies.ts";

const PAGE = readFileSync(new URL("../../docs/policies.md", import.meta.url), "utf8");

/** What `npm run docs:policies` makes. */
const TABLE = PAGE.slice(PAGE.indexOf("<!-- made by"), PAGE.indexOf("<!-- end -->"));

test("names are words of the command line, each once", () => {
  expect(new Set(POLICY_IDS).size).toBe(POLICIES.length);
  for (const id of POLICY_IDS) expect(id).toMatch(/^[a-z]+$/);
  expect(isPolicyId("none")).toBe(true);
  expect(isPolicyId("both")).toBe(false);
});

test("every policy has its section, with a source, and its rows in the table", () => {
  for (const { id, word } of POLICIES) {
    const from = PAGE.indexOf(`## ${id}: ${word}\n`);
    expect(from, id).toBeGreaterThan(0);
    expect(PAGE.slice(from, PAGE.indexOf("\n## ", from + 1)), id).toContain("**Source:**");
    expect(TABLE.split(`| ${id} |`).length - 1, id).toBe(PRESETS.length + 4);
  }
  for (const { name } of PRESETS) expect(PAGE).toContain(`| ${name}`);
});

test("knobs have their defaults, and what is given", () => {
  const { scan } = featuresOf("async");
  expect(scan).toEqual({ intervalNs: 100e6, pages: 65_536 });
  expect(featuresOf("async", { scan_interval: 5 }).scan).toEqual({ intervalNs: 5e6, pages: 65_536 });
  expect(featuresOf("demand").ask).toEqual({ intervalNs: 1e9 });
  for (const { knobs } of POLICIES.map(({ id }) => policyOf(id))) expect(validateParams(knobs, {}).ok).toBe(true);
});

test("only what a released kernel does can be measured", () => {
  expect(POLICY_IDS.filter(isMeasured)).toEqual(["none", "sync"]);
});
