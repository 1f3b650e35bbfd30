import { cellBands } from "../../chart/cells.ts";
import type { PageMapMessage } from "../../main/contract/map.ts";
import { ENTRY_COLUMNS, STATES } from "../lib/map-cells.ts";

/** Colours by state, in the order of MAP_STATES; read from the styles, so that they follow the theme. */
export type MapColors = readonly string[];

const CELL_PX = 10;
export const GAP_PX = 2;
export const PITCH_PX = CELL_PX + GAP_PX;

/** How many cells fit beside each other. */
export const columnsIn = (width: number): number => Math.max(8, Math.floor((width + GAP_PX) / PITCH_PX));

/** How many times larger cells are drawn where there are few, so that they fill the rows that there are. */
export function cellScale(cells: number, columns: number, rows: number): number {
  for (let scale = MAX_SCALE; scale > 1; scale--) {
    if (Math.floor(columns / scale) * Math.floor(rows / scale) >= cells) return scale;
  }
  return 1;
}
const MAX_SCALE = 4;

/** Draws every cell as a square whose bands are the shares of its slots' states, from the bottom up. */
export function drawCells(
  canvas: HTMLCanvasElement,
  map: PageMapMessage,
  columns: number,
  colors: MapColors,
  scale = 1,
): void {
  const pitch = PITCH_PX * scale;
  const side = pitch - GAP_PX;
  const rows = Math.ceil(map.cells / columns);
  // No gap after the last: it would be cut off, and the focus ring with it.
  const context = sized(canvas, columns * pitch - GAP_PX, rows * pitch - GAP_PX);
  for (let cell = 0; cell < map.cells; cell++) {
    const x = (cell % columns) * pitch;
    const bottom = Math.floor(cell / columns) * pitch + side;
    for (const { state, from, height } of cellBands(map.counts, cell, STATES, side)) {
      context.fillStyle = colors[state];
      context.fillRect(x, bottom - from - height, side, height);
    }
  }
}

/** Draws the entries of one table. */
export function drawEntries(canvas: HTMLCanvasElement, entries: Uint8Array, colors: MapColors): void {
  const context = sized(canvas, ENTRY_COLUMNS * ENTRY_PX, Math.ceil(entries.length / ENTRY_COLUMNS) * ENTRY_PX);
  for (const [index, kind] of entries.entries()) {
    context.fillStyle = colors[kind];
    const x = (index % ENTRY_COLUMNS) * ENTRY_PX;
    const y = Math.floor(index / ENTRY_COLUMNS) * ENTRY_PX;
    context.fillRect(x, y, ENTRY_PX - 1, ENTRY_PX - 1);
  }
}

const ENTRY_PX = 10;

function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this canvas cannot be drawn on");
  context.scale(ratio, ratio);
  return context;
}
