import { expect, test } from "vitest";
import { type BlameEntry, blameGaps, blameReason } from "./blame.ts";

const entry = (tables: number, stack: string[], reason = "below_table"): BlameEntry => ({
  stack,
  reason,
  tables,
  kb: 4 * tables,
});

test("nothing is said where all is known, or nothing is empty", () => {
  expect(blameGaps([])).toBeNull();
  expect(blameGaps([entry(5, ["main", "work"])])).toBeNull();
});

test("a trace without stacks, and single tables without one, are told apart", () => {
  expect(blameGaps([entry(5, [])])).toMatch(/^The trace has no call stacks: .*`reclaim-lab capture --stacks`/);
  expect(blameGaps([entry(1500, ["main"]), entry(1, [])])).toBe("No stack could be unwound for 1 of 1,501 tables.");
});

test("stripped files are named", () => {
  expect(blameGaps([entry(5, ["[server+0x12ab]", "[libx.so+0x1]"])])).toMatch(
    /^server, libx.so have no names of functions \(stripped\)/,
  );
});

test("stacks that end at once are told, but that of main", () => {
  expect(blameGaps([entry(5, ["[server+0x11c0]"])])).toMatch(
    /For 5 tables the stack is one frame: its callers are missing/,
  );
  expect(blameGaps([entry(1, ["[server+0x11c0]"])])).toContain("For 1 table the stack is one frame");
  expect(blameGaps([entry(5, ["main"])])).toBeNull();
});

test("tables that were empty before the recording began are nobody's gap", () => {
  const found = entry(50, [], "snapshot");
  const words =
    "50 tables were found empty when the process was looked at: the calls that emptied them are not in the trace.";
  expect(blameGaps([found])).toBe(words);
  expect(blameGaps([found, entry(30, ["main"])])).toBe(words);
  expect(blameGaps([found, entry(30, [])])).toMatch(/^The trace has no call stacks: .* 50 tables were found empty/);
  expect(blameReason("snapshot")).not.toContain("snapshot");
});

test("a reason that no version has is told by its own name", () => {
  for (const reason of ["constructor", "toString", "__proto__", "some_other"])
    expect(blameReason(reason)).toBe(reason.replaceAll("_", " "));
});
