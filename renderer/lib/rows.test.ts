import { expect, test } from "vitest";
import type { Mode, RunStatus, RunSummary, Source } from "../../engine/experiment/types.ts";
import { resultPair, rowSaving, rowStatus, sweepSavings } from "./rows.ts";

function run(source: Source, mode: Mode, kb: number | null, status: RunStatus = "done", peakKb = kb ?? 0) {
  const summary =
    kb === null ? null : ({ final: { vmpte_kb: kb }, peak: { vmpte_kb: peakKb, rss_kb: 0 } } as unknown as RunSummary);
  return { source, mode, status, summary };
}

test("the model's pair goes before the kernel's", () => {
  const runs = [run("kernel", "sync", 244), run("model", "none", 102640), run("model", "sync", 240)];
  expect(resultPair(runs)).toEqual({ sync: runs[2], none: runs[1] });
  expect(resultPair([run("kernel", "none", 7)]).none?.summary?.final.vmpte_kb).toBe(7);
});

test("the saving at the end, at the peak where the ends are alike, none with one mode", () => {
  expect(rowSaving([run("model", "sync", 25), run("model", "none", 100)])).toBe(0.75);
  expect(rowSaving([run("model", "sync", 40, "done", 50), run("model", "none", 40, "done", 100)])).toBe(0.5);
  expect(rowSaving([run("model", "sync", 25)])).toBeUndefined();
  const [sync, none] = [run("model", "sync", 25), run("model", "none", 100)];
  const stopped = { ...sync, summary: { ...sync.summary, operations: 7 } as unknown as RunSummary };
  expect(rowSaving([stopped, none])).toBeUndefined();
});

test("the status that needs attention wins", () => {
  expect(rowStatus([run("model", "sync", 1), run("model", "none", null, "running")])).toBe("running");
  expect(rowStatus([run("model", "sync", 1, "failed"), run("model", "none", 1, "cancelled")])).toBe("failed");
  expect(rowStatus([])).toBe("done");
});

test("a sweep has the savings of its points, from the least to the most", () => {
  const point = (label: string, sync: number) => [
    { ...run("model", "sync", sync), label },
    { ...run("model", "none", 100), label },
  ];
  expect(sweepSavings([...point("chunk 1M", 100), ...point("chunk 2M", 20), ...point("chunk 4M", 50)])).toEqual([
    0, 0.8,
  ]);
  expect(sweepSavings([{ ...run("model", "sync", 1), label: "chunk 1M" }])).toBeUndefined();
});
