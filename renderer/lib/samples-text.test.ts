import { expect, test } from "vitest";
import type { RunSeries } from "../../chart/series.ts";
import { METRICS } from "../../engine/experiment/figures.ts";
import { samplesText } from "./samples-text.ts";

const run = (mode: "sync" | "none", operations: number[], kb: number[]): RunSeries => ({
  key: mode,
  mode,
  source: "model",
  samples: {
    count: operations.length,
    columns: {
      operations: Float64Array.from(operations),
      time_ns: Float64Array.from(operations, (value) => value * 10),
      vmpte_kb: Float64Array.from(kb),
    },
  },
});

test("a line a sample, policies beside each other, units in the names", () => {
  const text = samplesText(
    [run("none", [0, 5, 9], [40, 80, 102640]), run("sync", [0, 5], [40, Number.NaN])],
    METRICS[0],
  );
  expect(text).toBe(
    "operations\ttime (ns)\tVmPTE no reclaim (kB)\tVmPTE sync reclaim (kB)\n0\t0\t40\t40\n5\t50\t80\t\n9\t90\t102640\t\n",
  );
});
