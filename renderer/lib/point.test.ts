import { expect, test } from "vitest";
import type { Experiment } from "../../main/contract.ts";
import { pointOf } from "./point.ts";

const sweep = {
  title: "pieces",
  params: { size: 1024 },
  sweep: { parameter: "chunk", values: [1, 2] },
  runs: [
    { label: "chunk 1", params: { size: 1024, chunk: 1 } },
    { label: "chunk 2", params: { size: 1024, chunk: 2 } },
  ],
} as unknown as Experiment;

test("a point has its own runs and parameters, and is no sweep", () => {
  const point = pointOf(sweep, "chunk 2");
  expect(point.title).toBe("pieces: chunk 2");
  expect(point.runs.map((run) => run.label)).toEqual(["chunk 2"]);
  expect(point.params).toEqual({ size: 1024, chunk: 2 });
  expect(point.sweep).toBeNull();
});

test("without a point, or with one that is not there, it stays whole", () => {
  expect(pointOf(sweep, undefined)).toBe(sweep);
  expect(pointOf(sweep, "chunk 3")).toBe(sweep);
});
