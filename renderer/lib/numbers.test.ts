import { expect, test } from "vitest";
import type { RunSummary, SampleColumn } from "../../engine/experiment/types.ts";
import { type ModeNumbers, numberLines } from "./numbers.ts";

function numbers(kb: number, last: Partial<Record<SampleColumn, number>>): ModeNumbers {
  const summary = {
    final: { vmpte_kb: kb, pte_tables: 5, empty_pte_tables: 0, pmd_tables: 2, rss_kb: 9, virt_kb: 10 },
    peak: { vmpte_kb: kb, rss_kb: 9 },
  } as unknown as RunSummary;
  return { summary, last: (column) => last[column] ?? null, peak: () => null };
}

test("both modes in one line, in one order", () => {
  const lines = numberLines(numbers(240, { ipis: 3 }), numbers(102640, { ipis: 1 }));
  expect(lines[0]).toMatchObject({ id: "vmpte-end", sync: 240, none: 102640, unit: "kB" });
  expect(lines.find((line) => line.id === "ipis")).toMatchObject({ sync: 3, none: 1 });
});

test("TLB flushes of both kinds are added up; what is unknown has no line", () => {
  const lines = numberLines(numbers(1, { tlb_flushes_paged: 2, tlb_flushes_full: 5, faults: Number.NaN }), undefined);
  expect(lines.find((line) => line.id === "tlb")).toMatchObject({ sync: 7, none: null });
  expect(lines.some((line) => line.id === "faults")).toBe(false);
});

test("a run without a summary yet is read from its samples", () => {
  const live: ModeNumbers = {
    summary: null,
    last: (column) => (column === "vmpte_kb" ? 44 : null),
    peak: (column) => (column === "vmpte_kb" ? 48 : null),
  };
  const lines = numberLines(live, undefined);
  expect(lines.map((line) => [line.id, line.sync])).toEqual([
    ["vmpte-end", 44],
    ["vmpte-peak", 48],
  ]);
});
