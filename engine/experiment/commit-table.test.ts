import { describe, expect, test } from "vitest";
import { createKernel } from "../mm/kernel.ts";
import { findPreset, type Preset } from "../workload/presets/index.ts";
import { defaultParams } from "./params.ts";
import { featuresOf } from "./policies.ts";
import { type RunEnd, run } from "./run.ts";
import { type Mode, SAMPLE_COLUMNS } from "./types.ts";

const preset = findPreset("commit-table") as Preset;

/** The run's samples as text, and its end. */
async function runIt(
  mode: Mode,
  changes: Record<string, number | string>,
  seed = 1,
): Promise<{ csv: string; end: RunEnd }> {
  const params = { ...defaultParams(preset.params), ...changes };
  let time = 0;
  const running = run({
    machine: createKernel({ features: featuresOf(mode), seed }),
    stream: { kind: "operations", operations: preset.operations(params, seed) },
    operationsTotal: preset.operationCount(params),
    now: () => {
      time += 0.1;
      return time;
    },
  });
  const rows: string[] = [];
  for (;;) {
    const step = await running.next();
    if (step.done) return { csv: rows.join("\n"), end: step.value };
    for (const row of step.value.samples) rows.push(row.join(","));
  }
}

describe("the series' own experiment", () => {
  test("240 kB with reclaim, 102640 kB without, as on a real kernel", async () => {
    const sync = await runIt("sync", {});
    const none = await runIt("none", {});
    expect([sync.end.summary.final.vmpte_kb, none.end.summary.final.vmpte_kb]).toEqual([240, 102_640]);
    expect([sync.end.summary.reclaimed_pte_tables, none.end.summary.reclaimed_pte_tables]).toEqual([25_600, 0]);
    expect(none.end.summary.final.empty_pte_tables).toBe(25_600);
    expect(sync.end.summary.peak.vmpte_kb).toBe(244);
  });

  test("pieces below 2 MiB reclaim nothing in either mode", async () => {
    const [sync, none] = [
      await runIt("sync", { size: 2 ** 30, chunk: 2 ** 20 }),
      await runIt("none", { size: 2 ** 30, chunk: 2 ** 20 }),
    ];
    expect(sync.end.summary.final).toEqual(none.end.summary.final);
    expect(sync.end.summary.declined?.below_pmd).toBe(1024);
  });

  test("the same seed gives the same samples, byte for byte; both modes are sampled at the same points", async () => {
    const small = { size: 2 ** 30, rounds: 3, order: "random" };
    const [first, second] = [await runIt("sync", small, 7), await runIt("sync", small, 7)];
    expect(second.csv).toBe(first.csv);
    const points = (csv: string): string[] => csv.split("\n").map((line) => line.split(",").slice(0, 2).join());
    expect(points((await runIt("none", small, 7)).csv)).toEqual(points(first.csv));
    expect(first.csv.split("\n")[0].split(",")).toHaveLength(SAMPLE_COLUMNS.length);
  });
});
