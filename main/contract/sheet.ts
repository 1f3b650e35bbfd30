/** A view that is no chart of lines (the page-table map, the live machine, a process), as its picture holds it. */
import * as v from "valibot";
import { countSchema, idSchema } from "./shapes.ts";

const CELLS_MAX = 20_000;
const ROWS_MAX = 200;
const POINTS_MAX = 2000;
const COLORS_MAX = 16;

const words = v.pipe(v.string(), v.maxLength(2000));
const heads = v.pipe(v.array(words), v.maxLength(12));
const number = v.pipe(v.number(), v.finite());
const color = v.pipe(v.string(), v.regex(/^(#[0-9a-f]{6}|rgb\(\d{1,3}, \d{1,3}, \d{1,3}\))$/, "not a colour"));
const colors = v.pipe(v.array(color), v.minLength(1), v.maxLength(COLORS_MAX));
const points = v.pipe(v.array(v.object({ x: number, y: number })), v.maxLength(POINTS_MAX));

const cellsSchema = v.pipe(
  v.object({
    kind: v.literal("cells"),
    title: words,
    columns: v.pipe(countSchema, v.minValue(1), v.maxValue(CELLS_MAX)),
    /** cells x colors: how much of each. */
    counts: v.pipe(
      v.instance(Uint32Array),
      v.check(({ length }) => length <= CELLS_MAX * 8, "too many cells"),
    ),
    colors,
    rowLabels: v.pipe(v.array(words), v.maxLength(CELLS_MAX)),
    yTitle: words,
    xTitle: words,
  }),
  v.check(({ counts, colors }) => counts.length % colors.length === 0, "its counts are not of whole cells"),
);

const rowsSchema = v.object({
  kind: v.literal("rows"),
  title: words,
  nameHead: words,
  /** Empty: there are no bars. */
  barHead: words,
  valueHeads: heads,
  /** Empty: there are no lines. */
  lineHead: words,
  colors,
  full: number,
  fullWords: words,
  rows: v.pipe(
    v.array(
      v.object({
        name: words,
        about: words,
        bar: v.pipe(v.array(number), v.maxLength(COLORS_MAX)),
        values: heads,
        line: points,
      }),
    ),
    v.maxLength(ROWS_MAX),
  ),
});

const stepsSchema = v.object({
  kind: v.literal("steps"),
  title: words,
  points,
  low: words,
  high: words,
  from: words,
  to: words,
  yTitle: words,
  xTitle: words,
});

export const sheetSchema = v.object({
  title: words,
  lines: v.pipe(v.array(words), v.maxLength(40)),
  legend: v.pipe(v.array(v.object({ label: words, value: words, color })), v.maxLength(16)),
  parts: v.pipe(v.array(v.variant("kind", [cellsSchema, rowsSchema, stepsSchema])), v.maxLength(12)),
});

/** Where a sheet came from. */
export const sheetOriginSchema = v.variant("kind", [
  v.object({ kind: v.literal("experiment"), id: idSchema }),
  /** This machine, as it was at a moment (ms since 1970). */
  v.object({ kind: v.literal("machine"), seenAt: countSchema }),
]);

export type SheetMessage = v.InferInput<typeof sheetSchema>;
