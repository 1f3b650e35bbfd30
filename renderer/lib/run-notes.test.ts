import { expect, test } from "vitest";
import type { Mode, RunStatus } from "../../engine/experiment/types.ts";
import { runNotes } from "./run-notes.ts";

const run = (mode: Mode, status: RunStatus, sampleCount: number, reason: string | null = null) => ({
  mode,
  source: "model" as const,
  status,
  reason,
  sampleCount,
});

test("runs that were stopped together share a sentence", () => {
  expect(runNotes([run("sync", "cancelled", 1097), run("none", "cancelled", 1314)])).toEqual([
    { text: "All runs were cancelled. 1,097 and 1,314 samples are kept.", bad: false },
  ]);
});

test("a failure says why, on its own", () => {
  expect(runNotes([run("sync", "failed", 3, "out of memory"), run("none", "done", 9)])).toEqual([
    { text: "The run with sync reclaim failed: out of memory. 3 samples are kept.", bad: true },
  ]);
});

test("runs that are done have no note", () => {
  expect(runNotes([run("sync", "done", 3), run("none", "running", 9)])).toEqual([]);
});
