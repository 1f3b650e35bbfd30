import { expect, test } from "vitest";
import { METRICS } from "../engine/experiment/figures.ts";
import { difference } from "./difference.ts";

test("the difference of two runs holds each at its last sample", () => {
  const run = (operations: number[], vmpte: number[]) => ({
    count: operations.length,
    columns: { operations: Float64Array.from(operations), vmpte_kb: Float64Array.from(vmpte) },
  });
  const { x, y } = difference(
    run([0, 10, 20], [4, 8, 12]),
    run([5, 15, 30], [100, 200, 300]),
    METRICS[0],
    "operations",
  );
  expect([...x]).toEqual([5, 10, 15, 20]);
  expect([...y]).toEqual([4 - 100, 8 - 100, 8 - 200, 12 - 200]);
  expect(difference(run([], []), run([1], [1]), METRICS[0], "operations").x).toHaveLength(0);
});
