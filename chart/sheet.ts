/**
 * A sheet: the picture of a view that is no chart of lines (the page-table map, the live machine, one process). Its words are
 * drawn as a chart's are, and it leaves by the same way; beneath them are parts, one below the other.
 */
import type { ChartConfiguration, Point } from "chart.js";
import { cellBands } from "./cells.ts";
import type { Palette } from "./palette.ts";
import { ORIGIN_HEIGHT, originLine, PLAIN_OPTIONS, PLAIN_PLUGINS, titles, titlesHeight } from "./plain.ts";

interface LegendEntry {
  readonly label: string;
  readonly value: string;
  /** As CSS writes it. */
  readonly color: string;
}

/** Squares in rows, each row with what it begins with. */
interface CellsPart {
  readonly kind: "cells";
  readonly title: string;
  readonly columns: number;
  /** cells x colors: how much of each. */
  readonly counts: Uint32Array;
  readonly colors: readonly string[];
  readonly rowLabels: readonly string[];
  readonly yTitle: string;
  readonly xTitle: string;
}

/** A row of a table: its name, a bar of shares, numbers, a line over time. */
interface SheetRow {
  readonly name: string;
  readonly about: string;
  readonly bar: readonly number[];
  readonly values: readonly string[];
  readonly line: readonly { readonly x: number; readonly y: number }[];
}

interface RowsPart {
  readonly kind: "rows";
  readonly title: string;
  readonly nameHead: string;
  /** Of the bars; empty: there are none. */
  readonly barHead: string;
  readonly valueHeads: readonly string[];
  /** Of the lines; empty: there are none. */
  readonly lineHead: string;
  readonly colors: readonly string[];
  /** What a bar as wide as its column stands for, and how that is written. */
  readonly full: number;
  readonly fullWords: string;
  readonly rows: readonly SheetRow[];
}

/** A value that holds until the next, with its least and most at the left and its ends along the bottom. */
interface StepsPart {
  readonly kind: "steps";
  readonly title: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly low: string;
  readonly high: string;
  readonly from: string;
  readonly to: string;
  readonly yTitle: string;
  readonly xTitle: string;
}

type SheetPart = CellsPart | RowsPart | StepsPart;

export interface Sheet {
  readonly title: string;
  /** Beneath the title. */
  readonly lines: readonly string[];
  readonly legend: readonly LegendEntry[];
  readonly parts: readonly SheetPart[];
}

export const SHEET_WIDTH = 1200;
const MARGIN = 24;
const INNER = SHEET_WIDTH - 2 * MARGIN;
/** A line of the legend. */
const LEGEND_HEIGHT = 28;
const PART_GAP = 16;
const HEAD_HEIGHT = 24;
const ROW_HEIGHT = 24;
const AXIS_HEIGHT = 20;
const CELL_PITCH_MAX = 36;
/** Of a square and what is free beside it. */
const CELL_GAP_SHARE = 1 / 6;
const LABEL_WIDTH = 136;
const NAME_WIDTH = 280;
const NUMBER_WIDTH = 112;
const LINE_WIDTH = 120;
const BAR_HEIGHT = 12;
const STEPS_HEIGHT = 120;
/** Row labels closer than that would stand on each other. */
const LABEL_PITCH = 13;

interface Pen {
  readonly ctx: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly font: string;
}

function write(pen: Pen, text: string, x: number, y: number, how: { color?: string; bold?: boolean; right?: boolean }) {
  const { ctx, palette, font } = pen;
  ctx.font = `${how.bold ? 600 : 400} 12px ${font}`;
  ctx.fillStyle = how.color ?? palette.ink;
  ctx.textAlign = how.right ? "right" : "left";
  ctx.textBaseline = "middle";
  ctx.fillText(text, x, y);
}

/** As much of a text as has room, with an ellipsis where that is not all. */
function fitted({ ctx, font }: Pen, text: string, width: number): string {
  ctx.font = `400 12px ${font}`;
  if (ctx.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 0 && ctx.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}

const pitchOf = ({ columns }: CellsPart): number => Math.min(CELL_PITCH_MAX, (INNER - LABEL_WIDTH) / columns);
const rowsOf = ({ counts, colors, columns }: CellsPart): number => Math.ceil(counts.length / colors.length / columns);

function partHeight(part: SheetPart): number {
  const title = part.title === "" ? 0 : HEAD_HEIGHT;
  switch (part.kind) {
    case "cells":
      return title + HEAD_HEIGHT + rowsOf(part) * pitchOf(part) + AXIS_HEIGHT;
    case "rows":
      return title + HEAD_HEIGHT + part.rows.length * ROW_HEIGHT + (part.barHead === "" ? 0 : AXIS_HEIGHT);
    case "steps":
      return title + HEAD_HEIGHT + STEPS_HEIGHT + 2 * AXIS_HEIGHT;
  }
}

function drawCells(pen: Pen, part: CellsPart, top: number): void {
  const { ctx, palette } = pen;
  const pitch = pitchOf(part);
  const side = pitch * (1 - CELL_GAP_SHARE);
  const left = MARGIN + LABEL_WIDTH;
  write(pen, part.yTitle, MARGIN, top + HEAD_HEIGHT / 2, { color: palette.ink2 });
  const states = part.colors.length;
  const every = Math.ceil(LABEL_PITCH / pitch);
  for (const [row, label] of part.rowLabels.entries())
    if (row % every === 0)
      write(pen, label, MARGIN, top + HEAD_HEIGHT + row * pitch + side / 2, { color: palette.ink2 });
  for (let cell = 0; cell * states < part.counts.length; cell++) {
    const x = left + (cell % part.columns) * pitch;
    const bottom = top + HEAD_HEIGHT + Math.floor(cell / part.columns) * pitch + side;
    for (const { state, from, height } of cellBands(part.counts, cell, states, side)) {
      ctx.fillStyle = part.colors[state];
      ctx.fillRect(x, bottom - from - height, side, height);
    }
  }
  const end = top + HEAD_HEIGHT + rowsOf(part) * pitch;
  write(pen, part.xTitle, MARGIN + INNER, end + AXIS_HEIGHT / 2, { color: palette.ink2, right: true });
}

function drawSteps(
  { ctx, palette }: Pen,
  points: SheetRow["line"],
  box: { x: number; y: number; width: number; height: number },
): void {
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last) return;
  const low = points.reduce((least, { y }) => Math.min(least, y), first.y);
  const high = points.reduce((most, { y }) => Math.max(most, y), first.y);
  const x = (value: number): number => box.x + ((value - first.x) / Math.max(last.x - first.x, 1e-9)) * box.width;
  const y = (value: number): number =>
    high === low ? box.y + box.height / 2 : box.y + box.height * (1 - (value - low) / (high - low));
  ctx.beginPath();
  ctx.moveTo(box.x, y(first.y));
  let before = first;
  for (const point of points) {
    ctx.lineTo(x(point.x), y(before.y));
    ctx.lineTo(x(point.x), y(point.y));
    before = point;
  }
  ctx.lineTo(box.x + box.width, y(last.y));
  ctx.strokeStyle = palette.ink2;
  ctx.lineWidth = 1.5;
  ctx.stroke();
}

function drawHairline({ ctx, palette }: Pen, y: number, left = MARGIN, width = INNER): void {
  ctx.fillStyle = palette.hairline;
  ctx.fillRect(left, y, width, 1);
}

function drawRows(pen: Pen, part: RowsPart, top: number): void {
  const { ctx, palette } = pen;
  const head = { color: palette.ink2, bold: true };
  const middle = top + HEAD_HEIGHT / 2;
  const lineLeft = MARGIN + INNER - LINE_WIDTH;
  const numbersRight = part.lineHead === "" ? MARGIN + INNER : lineLeft - PART_GAP;
  const numbersLeft = numbersRight - part.valueHeads.length * NUMBER_WIDTH;
  const nameWidth = part.barHead === "" ? numbersLeft - MARGIN : NAME_WIDTH;
  const barLeft = MARGIN + nameWidth + PART_GAP;
  const barWidth = numbersLeft - barLeft;
  write(pen, part.nameHead, MARGIN, middle, head);
  write(pen, part.barHead, barLeft, middle, head);
  const columns = part.valueHeads.map((words, at) => ({ words, right: numbersLeft + (at + 1) * NUMBER_WIDTH }));
  for (const { words, right } of columns) write(pen, words, right, middle, { ...head, right: true });
  write(pen, part.lineHead, MARGIN + INNER, middle, { ...head, right: true });
  drawHairline(pen, top + HEAD_HEIGHT - 1);
  for (const [index, row] of part.rows.entries()) {
    const y = top + HEAD_HEIGHT + index * ROW_HEIGHT;
    const center = y + ROW_HEIGHT / 2;
    const about = row.about === "" ? "" : `  ${row.about}`;
    ctx.font = `400 12px ${pen.font}`;
    const name = fitted(pen, row.name, nameWidth - ctx.measureText(about).width);
    write(pen, name, MARGIN, center, {});
    write(pen, about, MARGIN + ctx.measureText(name).width, center, { color: palette.ink2 });
    let x = barLeft;
    for (const [state, value] of row.bar.entries()) {
      const width = part.full > 0 ? (value / part.full) * barWidth : 0;
      ctx.fillStyle = part.colors[state] ?? palette.ink2;
      ctx.fillRect(x, center - BAR_HEIGHT / 2, width, BAR_HEIGHT);
      x += width;
    }
    for (const [at, { right }] of columns.entries()) write(pen, row.values[at] ?? "", right, center, { right: true });
    drawSteps(pen, row.line, { x: lineLeft, y: y + 4, width: LINE_WIDTH, height: ROW_HEIGHT - 8 });
    drawHairline(pen, y + ROW_HEIGHT - 1);
  }
  if (part.barHead === "") return;
  const end = top + HEAD_HEIGHT + part.rows.length * ROW_HEIGHT + AXIS_HEIGHT / 2;
  write(pen, "0", barLeft, end, { color: palette.ink2 });
  write(pen, part.fullWords, barLeft + barWidth, end, { color: palette.ink2, right: true });
}

function drawTimeLine(pen: Pen, part: StepsPart, top: number): void {
  const { palette } = pen;
  const quiet = { color: palette.ink2 };
  const box = { x: MARGIN + LABEL_WIDTH, y: top + HEAD_HEIGHT, width: INNER - LABEL_WIDTH, height: STEPS_HEIGHT };
  write(pen, part.yTitle, MARGIN, top + HEAD_HEIGHT / 2, quiet);
  write(pen, part.high, MARGIN, box.y, quiet);
  if (part.low !== part.high) write(pen, part.low, MARGIN, box.y + box.height, quiet);
  for (const y of [box.y, box.y + box.height]) drawHairline(pen, y, box.x, box.width);
  drawSteps(pen, part.points, box);
  const end = box.y + box.height + AXIS_HEIGHT / 2 + 4;
  write(pen, part.from, box.x, end, quiet);
  write(pen, part.to, box.x + box.width, end, { ...quiet, right: true });
  write(pen, part.xTitle, box.x + box.width, end + AXIS_HEIGHT - 4, { ...quiet, right: true });
}

function drawLegend(pen: Pen, legend: Sheet["legend"], top: number): void {
  const { ctx, palette } = pen;
  let x = MARGIN;
  for (const { label, value, color } of legend) {
    ctx.fillStyle = color;
    ctx.fillRect(x, top + 4, 10, 10);
    write(pen, label, x + 16, top + 10, { color: palette.ink2 });
    x += 16 + ctx.measureText(label).width + 6;
    write(pen, value, x, top + 10, { bold: true });
    x += ctx.measureText(value).width + 20;
  }
}

/** `origin`: where it came from. The height follows from what the sheet holds. */
export function sheetChart(
  sheet: Sheet,
  { palette, font, origin }: { readonly palette: Palette; readonly font: string; readonly origin: string },
): { readonly config: ChartConfiguration<"line", Point[]>; readonly height: number } {
  const words = { title: sheet.title, subtitle: sheet.lines };
  const legendHeight = sheet.legend.length > 0 ? LEGEND_HEIGHT : 0;
  const top = MARGIN + titlesHeight(words);
  const parts = sheet.parts.reduce((sum, part) => sum + partHeight(part) + PART_GAP, 0);
  const body = {
    id: "sheet",
    afterDraw({ ctx }: { readonly ctx: CanvasRenderingContext2D }) {
      const pen: Pen = { ctx, palette, font };
      ctx.save();
      drawLegend(pen, sheet.legend, top);
      let y = top + legendHeight;
      for (const part of sheet.parts) {
        const titled = part.title === "" ? 0 : HEAD_HEIGHT;
        if (titled > 0) write(pen, part.title, MARGIN, y + titled / 2, { bold: true });
        if (part.kind === "cells") drawCells(pen, part, y + titled);
        else if (part.kind === "rows") drawRows(pen, part, y + titled);
        else drawTimeLine(pen, part, y + titled);
        y += partHeight(part) + PART_GAP;
      }
      ctx.restore();
    },
  };
  return {
    height: Math.ceil(top + legendHeight + parts + ORIGIN_HEIGHT + MARGIN),
    config: {
      type: "line",
      data: { datasets: [] },
      options: {
        ...PLAIN_OPTIONS,
        layout: { padding: MARGIN },
        scales: { x: { display: false }, y: { display: false } },
        plugins: { ...PLAIN_PLUGINS, ...titles(words, palette, font) },
      },
      plugins: [body, originLine(origin, MARGIN, palette, font)],
    },
  };
}
