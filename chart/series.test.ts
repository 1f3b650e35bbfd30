import { describe, expect, test } from "vitest";
import { spread } from "./end-labels.ts";
import { contrast, mix, PALETTES } from "./palette.ts";
import { inOrder, lineStyles, type RunSeries, seriesLabel } from "./series.ts";

const samples = { count: 0, columns: {} };
const line = (mode: RunSeries["mode"], source: RunSeries["source"] = "model", label = ""): RunSeries => ({
  key: `${mode} ${source} ${label}`,
  mode,
  source,
  label,
  samples,
});

describe("the lines of a chart", () => {
  test("are in the order sync, without, whatever order they come in", () => {
    const given = [line("none", "kernel"), line("none"), line("sync", "kernel"), line("sync")];
    expect(inOrder(given).map(({ mode, source }) => `${mode} ${source}`)).toEqual([
      "sync model",
      "sync kernel",
      "none model",
      "none kernel",
    ]);
  });

  test("have the colour of their mode, and are told apart without colour", () => {
    for (const palette of Object.values(PALETTES)) {
      const sixteen = Array.from({ length: 16 }, (_, i) => line(i % 2 ? "none" : "sync", i % 3 ? "model" : "kernel"));
      const styles = lineStyles(sixteen, palette);
      const [sync, none] = lineStyles([line("sync"), line("none")], palette);
      expect([sync.color, none.color]).toEqual([palette.modes.sync, palette.modes.none]);
      const looks = styles.map((style) => `${style.color} ${style.dash}`);
      expect(new Set(looks).size).toBe(looks.length);
    }
  });

  test("are called what tells them apart", () => {
    const both = [line("sync"), line("none")];
    expect(both.map((item) => seriesLabel(item, both))).toEqual(["sync", "without"]);
    const mixed = [line("sync"), line("sync", "kernel")];
    expect(mixed.map((item) => seriesLabel(item, mixed))).toEqual(["sync, model", "sync, measured"]);
    expect(seriesLabel(line("none", "model", "4K"), both)).toBe("4K: without");
  });
});

test("colours keep a contrast of 4.5 on their ground", () => {
  for (const { surface, ink, ink2, modes } of Object.values(PALETTES))
    for (const color of [ink, ink2, modes.sync, modes.none])
      expect(contrast(color, surface)).toBeGreaterThanOrEqual(4.5);
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(mix("#000000", "#ffffff", 0.5)).toBe("#808080");
});

test("labels at the ends of lines do not cover each other and stay inside", () => {
  expect(spread([50], 10, 0, 100)).toEqual([50]);
  expect(spread([50, 52, 51], 10, 0, 100)).toEqual([50, 70, 60]);
  expect(spread([99, 98], 10, 0, 100)).toEqual([95, 85]);
  expect(spread([0], 10, 0, 100)).toEqual([5]);
});
