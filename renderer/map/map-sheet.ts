/** The page-table map as its picture holds it: the cells, or the entries of one table, as they are shown. */
import { formatBytes, formatCount, formatNumberOf } from "../../engine/experiment/format.ts";
import { WINDOW_BYTES } from "../../engine/live/look.ts";
import type { PageMapMessage } from "../../main/contract/map.ts";
import type { SheetMessage } from "../../main/contract/sheet.ts";
import { cellSlots, ENTRY_COLUMNS, ENTRY_KINDS, MAP_STATES, mapTotals, slotAddress, slotAt } from "../lib/map-cells.ts";
import { entryColors, mapColors } from "./colors.ts";

type Legend = SheetMessage["legend"];
type Cells = Extract<SheetMessage["parts"][number], { kind: "cells" }>;

const legendOf = (labels: readonly string[], totals: readonly number[], colors: readonly string[]): Legend =>
  labels.flatMap((label, at) => (totals[at] > 0 ? [{ label, value: formatCount(totals[at]), color: colors[at] }] : []));

/** "one cell = 60 PTE tables". */
export const cellSize = (slots: number): string => `one cell = ${formatNumberOf(slots, "PTE table")}`;

/** The map, `columns` cells beside each other. */
export function mapCells(map: PageMapMessage, columns: number, title = ""): { legend: Legend; part: Cells } {
  const colors = mapColors();
  const perCell = cellSlots(map, 0).count;
  const rows = Math.ceil(map.cells / columns);
  const addressAt = (row: number): string => {
    const slot = slotAt(map.segments, cellSlots(map, row * columns).from);
    return slot === undefined ? "" : slotAddress(slot);
  };
  return {
    legend: legendOf(
      MAP_STATES.map(({ label }) => label),
      mapTotals(map.counts),
      colors,
    ),
    part: {
      kind: "cells",
      title,
      columns,
      counts: map.counts,
      colors,
      rowLabels: Array.from({ length: rows }, (_, row) => addressAt(row)),
      yTitle: "address",
      xTitle: `${cellSize(perCell)}, ${formatBytes(perCell * WINDOW_BYTES)} of addresses`,
    },
  };
}

/** The entries of one table. */
export function tableCells(entries: Uint8Array): { legend: Legend; part: Cells } {
  const colors = entryColors();
  const kinds = ENTRY_KINDS.length;
  const counts = new Uint32Array(entries.length * kinds);
  for (const [entry, kind] of entries.entries()) counts[entry * kinds + kind] = 1;
  const totals = ENTRY_KINDS.map((_, kind) => entries.filter((each) => each === kind).length);
  const rows = Math.ceil(entries.length / ENTRY_COLUMNS);
  return {
    legend: legendOf(ENTRY_KINDS, totals, colors),
    part: {
      kind: "cells",
      title: "",
      columns: ENTRY_COLUMNS,
      counts,
      colors,
      rowLabels: Array.from({ length: rows }, (_, row) => formatCount(row * ENTRY_COLUMNS)),
      yTitle: "entry",
      xTitle: `one cell = one entry, ${formatBytes(WINDOW_BYTES / entries.length)} of addresses`,
    },
  };
}
