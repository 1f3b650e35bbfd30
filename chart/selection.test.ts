import { expect, test } from "vitest";
import { METRICS } from "../engine/experiment/figures.ts";
import { bigReleases } from "./big-releases.ts";
import { selectionNumbers } from "./selection.ts";
import type { RunSeries } from "./series.ts";
import { parseViewLink, viewLink, viewOptions } from "./view-link.ts";

const samples = (ys: readonly number[]) => ({
  count: ys.length,
  columns: {
    operations: Float64Array.from(ys, (_, i) => i * 10),
    vmpte_kb: Float64Array.from(ys),
    rss_kb: Float64Array.from(ys),
    tables_freed: Float64Array.from(ys, (_, i) => i),
  },
});
const series = (ys: readonly number[]): RunSeries => ({
  key: "1",
  mode: "sync",
  source: "model",
  samples: samples(ys),
});

test("a part's numbers: at its ends, least, most, the average over the axis, and tables freed", () => {
  const [line] = selectionNumbers([series([0, 100, 200, 50, 50])], METRICS[0], "operations", { min: 15, max: 35 });
  // 100 for 5 operations, 200 for 10, 50 for 5.
  expect(line).toMatchObject({ from: 100, to: 50, least: 50, most: 200, average: 137.5, freed: 2 });
  const [outside] = selectionNumbers([series([])], METRICS[0], "operations", { min: 1, max: 2 });
  expect(outside).toMatchObject({ from: Number.NaN, average: Number.NaN, freed: null });
});

test("a big release is a fall of RSS; a saw has none", () => {
  expect(bigReleases(samples([0, 50, 100, 60, 20, 30, 28, 40]), "operations")).toEqual([{ x: 40, kb: 80 }]);
  expect(bigReleases(samples(Array.from({ length: 100 }, (_, i) => (i % 2) * 100)), "operations")).toEqual([]);
  expect(bigReleases(samples([5, 5, 5]), "operations")).toEqual([]);
  // It stands where it fell, though some trickles away until the end.
  expect(bigReleases(samples([0, 100, 9, 9, 9, 8, 8]), "operations")).toEqual([{ x: 20, kb: 92 }]);
  // Where a program is replaced all of it goes, and that is no release.
  expect(bigReleases(samples([40, 50, 0, 60, 80]), "operations")).toEqual([]);
});

test("a link says a view, and is read as it was written; what is no link is none", () => {
  const linked = {
    uid: "644d95e5-7772-40c8-b10d-8713cfb8203b",
    log: true,
    view: {
      metric: "rss",
      axis: "time",
      range: { min: 1e6, max: 2.5e9 },
      figure: undefined,
      baseline: "none",
    },
  } as const;
  expect(parseViewLink(viewLink(linked))).toEqual(linked);
  expect(viewOptions(linked.view, true)).toBe(
    "--metric rss --axis time --from 1000000ns --to 2500000000ns --baseline none --log",
  );
  for (const text of ["", "https://example.org", "reclaim-lab://view/", "reclaim-lab://view/../x?metric=rss"])
    expect(parseViewLink(text)).toBeNull();
  expect(parseViewLink("reclaim-lab://view/x?metric=nothing&from=9&to=1")?.view).toMatchObject({
    metric: "vmpte",
    range: undefined,
  });
});
