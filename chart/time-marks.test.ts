import { expect, test } from "vitest";
import { markWords, type TimeMark, timeMarks, together } from "./time-marks.ts";

const samples = {
  count: 4,
  columns: {
    operations: Float64Array.of(0, 10, 20, 30),
    time_ns: Float64Array.of(0, 1e6, 5e6, 9e6),
    rss_kb: Float64Array.of(0, 100, 100, 10),
    vmpte_kb: Float64Array.of(8, 8, 8, 8),
  },
};

test("forks, execs and what was given back stand where they happened, on both axes", () => {
  const events = [
    { what: "exec", operations: 1, time_ns: 0 },
    { what: "fork", operations: 10, time_ns: 1.5e6 },
    { what: "exec", operations: 20, time_ns: null },
  ] as const;
  const release = { what: "release", kb: 90 };
  const fork = { what: "fork", kb: 0 };
  const exec = { what: "exec", kb: 0 };
  expect(timeMarks(samples, events, "operations")).toEqual([
    { x: 10, ...fork },
    { x: 20, ...exec },
    { x: 30, ...release },
  ]);
  expect(timeMarks(samples, events, "time")).toEqual([
    { x: 1.5e6, ...fork },
    { x: 5e6, ...exec },
    { x: 9e6, ...release },
  ]);
});

const mark = (what: TimeMark["what"], at: number, kb = 0) => ({ what, x: at, at, kb });

test("what lies together is said in one", () => {
  const groups = together([mark("fork", 3), mark("fork", 9), mark("exec", 12), mark("release", 200, 2048)], 400);
  expect(groups.map(markWords)).toEqual(["2 forks, exec", "−2 MiB RSS"]);
});

test("forks all along are how the program works: only what was given back is marked", () => {
  const forks = Array.from({ length: 40 }, (_, i) => mark("fork", i * 20));
  expect(together(forks.slice(0, 20), 800)).toHaveLength(20);
  expect(together([...forks, mark("release", 801, 4)], 800).map(markWords)).toEqual(["−4 KiB RSS"]);
});
