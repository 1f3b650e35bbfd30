import { describe, expect, test } from "vitest";
import { POLICY_IDS } from "../engine/experiment/policies.ts";
import { spread } from "./end-labels.ts";
import { contrast, mix, PALETTES } from "./palette.ts";
import { POLICY_STYLES, policyColor } from "./policy-style.ts";
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
  test("are in the policies' order, the model's before the measured, whatever order they come in", () => {
    const given = [line("none", "kernel"), line("none"), line("sync", "kernel"), line("sync")];
    expect(inOrder(given).map(({ mode, source }) => `${mode} ${source}`)).toEqual([
      "none model",
      "none kernel",
      "sync model",
      "sync kernel",
    ]);
  });

  test("have the colour of their policy, and up to eight are told apart without colour", () => {
    for (const palette of Object.values(PALETTES)) {
      const lines = Array.from({ length: 8 }, (_, i) =>
        line(POLICY_IDS[i % POLICY_IDS.length], i % 3 ? "model" : "kernel"),
      );
      expect(new Set(lineStyles(lines, palette).map(({ dash }) => dash.join())).size).toBe(8);
      const sixteen = Array.from({ length: 16 }, (_, i) => line(i % 2 ? "none" : "sync", i % 3 ? "model" : "kernel"));
      const styles = lineStyles(sixteen, palette);
      const [sync, none] = lineStyles([line("sync"), line("none")], palette);
      expect([sync.color, none.color]).toEqual([
        policyColor("sync", palette.theme),
        policyColor("none", palette.theme),
      ]);
      const looks = styles.map((style) => `${style.color} ${style.dash}`);
      expect(new Set(looks).size).toBe(looks.length);
    }
  });

  test("are called what tells them apart", () => {
    const both = [line("sync"), line("none")];
    expect(both.map((item) => seriesLabel(item, both))).toEqual(["sync reclaim", "no reclaim"]);
    const mixed = [line("sync"), line("sync", "kernel")];
    expect(mixed.map((item) => seriesLabel(item, mixed))).toEqual(["sync reclaim, model", "sync reclaim, measured"]);
    expect(seriesLabel(line("none", "model", "4K"), both)).toBe("4K: no reclaim");
  });
});

test("colours keep a contrast of 4.5 on their ground", () => {
  for (const { theme, surface, ink, ink2, better, worse } of Object.values(PALETTES))
    for (const color of [ink, ink2, better, worse, ...POLICY_STYLES.map(({ colors }) => colors[theme])])
      expect(contrast(color, surface)).toBeGreaterThanOrEqual(4.5);
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(new Set(POLICY_STYLES.map(({ point }) => point)).size).toBe(POLICY_STYLES.length);
  expect(mix("#000000", "#ffffff", 0.5)).toBe("#808080");
});

test("labels at the ends of lines do not cover each other and stay inside", () => {
  expect(spread([50], 10, 0, 100)).toEqual([50]);
  expect(spread([50, 52, 51], 10, 0, 100)).toEqual([50, 70, 60]);
  expect(spread([99, 98], 10, 0, 100)).toEqual([95, 85]);
  expect(spread([0], 10, 0, 100)).toEqual([5]);
});
