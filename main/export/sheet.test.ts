import { createCanvas, loadImage } from "@napi-rs/canvas";
import * as v from "valibot";
import { expect, test } from "vitest";
import type { Sheet } from "../../chart/sheet.ts";
import { sheetSchema } from "../contract/sheet.ts";
import { sheetParts } from "./sheet.ts";

const ORIGIN = { kind: "machine", seenAt: Date.UTC(2026, 10, 23, 3, 52) } as const;
const none = (): never => {
  throw new Error("nothing is read of the history");
};

/** A map of `cells` cells, half red and half blue each, and a process with a line. */
const sheet = (cells: number, columns = 8): Sheet => ({
  title: "A map & more",
  lines: ["operation 1 of 2"],
  legend: [{ label: "empty", value: "3", color: "#ff0000" }],
  parts: [
    {
      kind: "cells",
      title: "Its tables",
      columns,
      counts: new Uint32Array(cells * 2).fill(1),
      colors: ["#ff0000", "rgb(0, 0, 255)"],
      rowLabels: [],
      yTitle: "address",
      xTitle: "one cell = 1 PTE table",
    },
    {
      kind: "rows",
      title: "",
      nameHead: "process",
      barHead: "page tables",
      valueHeads: ["VmPTE"],
      lineHead: "last minute",
      colors: ["#00ff00"],
      full: 4,
      fullWords: "4 KiB",
      rows: [
        {
          name: "a name that goes on ".repeat(9),
          about: "17",
          bar: [2],
          values: ["2 KiB"],
          line: [
            { x: 0, y: 1 },
            { x: 9, y: 2 },
          ],
        },
      ],
    },
  ],
});

async function colorsOf(png: Buffer): Promise<(hex: string) => number> {
  const picture = await loadImage(png);
  const context = createCanvas(picture.width, picture.height).getContext("2d");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, picture.width, picture.height);
  const counts = new Map<string, number>();
  for (let at = 0; at < data.length; at += 4) {
    const hex = `#${Buffer.from(data.subarray(at, at + 3)).toString("hex")}`;
    counts.set(hex, (counts.get(hex) ?? 0) + 1);
  }
  return (hex) => counts.get(hex) ?? 0;
}

test("cells by their shares, bars to scale, on the theme's ground; as tall as what it holds", async () => {
  const [png] = sheetParts(none, { sheet: sheet(16), origin: ORIGIN, format: "png", theme: "dark" });
  const count = await colorsOf(Buffer.from(png as Uint8Array));
  expect(count("#ff0000")).toBeGreaterThan(16 * 30 * 30 * 2 * 0.9);
  expect(count("#ff0000")).toBeCloseTo(count("#0000ff") + 400, -2);
  expect(count("#1b1f23")).toBeGreaterThan(500_000);
  // Half of a bar of 4 KiB.
  expect(count("#00ff00")).toBeGreaterThan(10_000);
  const { height } = await loadImage(Buffer.from(png as Uint8Array));
  const [taller] = sheetParts(none, { sheet: sheet(24), origin: ORIGIN, format: "png" });
  expect((await loadImage(Buffer.from(taller as Uint8Array))).height).toBe(height + 72);
});

test("an SVG says what it shows and where it came from, and is the same bytes for the same", () => {
  const of = (): string => String(sheetParts(none, { sheet: sheet(16), origin: ORIGIN, format: "svg" })[0]);
  expect(of()).toContain('<title id="chart-title">A map &amp; more</title>');
  expect(of()).toMatch(
    /operation 1 of 2\. empty 3\. Its tables, address, one cell = 1 PTE table\. process, page tables, VmPTE, last minute: a name/,
  );
  expect(of()).toMatch(/Reclaim Lab · \S+ \S+ \S+ · seen 2026-11-23 03:52 UTC · engine/);
  expect(of()).not.toContain("<text");
  expect(of()).toBe(of());
});

test("what no screen shows is refused: a picture too tall to hold, counts of no whole cells, colours that are none", () => {
  expect(() => sheetParts(none, { sheet: sheet(20_000, 1), origin: ORIGIN, format: "png" })).toThrow(/too tall/);
  const odd = { ...sheet(1), parts: [{ ...sheet(1).parts[0], counts: new Uint32Array(3) }] };
  expect(v.safeParse(sheetSchema, sheet(4)).success).toBe(true);
  expect(v.safeParse(sheetSchema, odd).success).toBe(false);
  const colored = { ...sheet(1), legend: [{ label: "", value: "", color: "url(#x)" }] };
  expect(v.safeParse(sheetSchema, colored).success).toBe(false);
});
