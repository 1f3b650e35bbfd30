import { expect, test } from "vitest";
import { savingsRange } from "../../engine/experiment/compare-runs.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import type { RunStatus, RunSummary, Source } from "../../engine/experiment/types.ts";
import { rowStatus } from "./rows.ts";

let id = 0;

function run(
  source: Source,
  mode: PolicyId,
  kb: number | null,
  { status = "done" as RunStatus, peakKb = kb ?? 0, label = "" } = {},
) {
  const summary =
    kb === null ? null : ({ final: { vmpte_kb: kb }, peak: { vmpte_kb: peakKb, rss_kb: 0 } } as unknown as RunSummary);
  return { id: ++id, source, mode, status, summary, label };
}

test("the model goes before the kernel; the baseline is the user's", () => {
  const runs = [
    run("kernel", "none", 50),
    run("kernel", "sync", 10),
    run("model", "none", 100),
    run("model", "sync", 50),
  ];
  expect(savingsRange(runs, undefined)).toEqual([0.5, 0.5]);
  expect(savingsRange(runs, "sync")).toEqual([-1, -1]);
  expect(savingsRange(runs.slice(0, 2), undefined)).toEqual([0.8, 0.8]);
});

test("the saving at the end, at the peak where the ends are alike, none where there is one policy", () => {
  expect(savingsRange([run("model", "sync", 25), run("model", "none", 100)], undefined)).toEqual([0.75, 0.75]);
  const peaks = [run("model", "sync", 40, { peakKb: 50 }), run("model", "none", 40, { peakKb: 100 })];
  expect(savingsRange(peaks, undefined)).toEqual([0.5, 0.5]);
  expect(savingsRange([run("model", "sync", 25)], undefined)).toBeUndefined();
  const [sync, none] = [run("model", "sync", 25), run("model", "none", 100)];
  const stopped = { ...sync, summary: { ...sync.summary, operations: 7 } as unknown as RunSummary };
  expect(savingsRange([stopped, none], undefined)).toBeUndefined();
});

test("the status that needs attention wins", () => {
  expect(rowStatus([run("model", "sync", 1), run("model", "none", null, { status: "running" })])).toBe("running");
  const ended = [run("model", "sync", 1, { status: "failed" }), run("model", "none", 1, { status: "cancelled" })];
  expect(rowStatus(ended)).toBe("failed");
  expect(rowStatus([])).toBe("done");
});

test("a sweep has the savings of its points, from the least to the most", () => {
  const point = (label: string, sync: number) => [
    run("model", "sync", sync, { label }),
    run("model", "none", 100, { label }),
  ];
  const runs = [...point("chunk 1M", 100), ...point("chunk 2M", 20), ...point("chunk 4M", 50)];
  expect(savingsRange(runs, undefined)).toEqual([0, 0.8]);
  expect(savingsRange([run("model", "sync", 1, { label: "chunk 1M" })], undefined)).toBeUndefined();
});
