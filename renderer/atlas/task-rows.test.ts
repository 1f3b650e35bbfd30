import { describe, expect, it } from "vitest";
import { findPreset } from "../../engine/workload/presets/index.ts";
import type { AtlasRow } from "../../main/contract.ts";
import { knobsWords, paramsWords, shownRows } from "./task-rows.ts";

const row = (digest: string, values: Partial<AtlasRow>): AtlasRow => ({
  digest,
  workload: "commit-table",
  params: "{}",
  policy: "sync",
  knobs: "{}",
  profile: "reference",
  seed: 1,
  status: "done",
  reason: null,
  operations: 1,
  peak_vmpte_kb: 1,
  average_vmpte_kb: 1,
  end_vmpte_kb: 1,
  saved_percent: 0,
  cost_ns: 0,
  engine_version: "0",
  ...values,
});
const ids = (rows: readonly AtlasRow[]) => rows.map(({ digest }) => digest).join("");

describe("rows of results", () => {
  const rows = [
    row("a", { saved_percent: 3, policy: "eager" }),
    row("b", { saved_percent: null, status: "failed", reason: "no room" }),
    row("c", { saved_percent: 30, workload: "traces/redis/events.txt.gz" }),
  ];

  it("sort both ways, what is not known last", () => {
    expect(ids(shownRows(rows, "", { key: "saved_percent", descending: true }))).toBe("cab");
    expect(ids(shownRows(rows, "", { key: "saved_percent", descending: false }))).toBe("acb");
    expect(ids(rows)).toBe("abc");
  });

  it("are found by all of the words", () => {
    const sort = { key: "policy", descending: false } as const;
    expect(ids(shownRows(rows, "redis SYNC", sort))).toBe("c");
    expect(ids(shownRows(rows, "failed room", sort))).toBe("b");
    expect(ids(shownRows(rows, "redis eager", sort))).toBe("");
  });

  it("have the parameters that are not the preset's own", () => {
    const specs = findPreset("commit-table")?.params;
    expect(paramsWords('{"size":268435456}', specs)).toBe("size 256M");
    const defaults = Object.fromEntries((specs ?? []).map((spec) => [spec.name, spec.default]));
    expect(paramsWords(JSON.stringify(defaults), specs)).toBe("");
    expect(paramsWords('{"pid":7}', undefined)).toBe("pid 7");
    expect(paramsWords("{", undefined)).toBe("{");
  });
});

it("says what is set of a policy", () => {
  expect(knobsWords("{}")).toBe("");
  expect(knobsWords('{"scan_interval":10,"scan_size":2097152}')).toBe(", scan_interval 10 ms, scan_size 2M");
});
