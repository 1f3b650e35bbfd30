/** Samples: plain rows, stored in batches while a run goes on, read back as columns. */
import { SAMPLE_COLUMNS, type SampleColumn } from "../engine/experiment/types.ts";
import type { Connection } from "./connection.ts";
import { BadValueError, NotFoundError } from "./errors.ts";
import { type SampleRange, type Samples, SPARKLINE_POINTS } from "./records.ts";

const WIDTH = SAMPLE_COLUMNS.length;
const NAMES = SAMPLE_COLUMNS.map((column) => column.name);
const OPERATIONS = NAMES.indexOf("operations");

/** Rows a statement: a third faster than one by one. */
const ROWS_AT_ONCE = 20;
const ROW = `(?${", ?".repeat(WIDTH)})`;
const insertOf = (count: number): string =>
  `INSERT INTO sample (run_id, ${NAMES.join(", ")}) VALUES ${new Array(count).fill(ROW).join(", ")}`;
const INSERT_ONE = insertOf(1);
const INSERT_MANY = insertOf(ROWS_AT_ONCE);

/**
 * Inserts packed rows (each WIDTH numbers in the order of SAMPLE_COLUMNS; NaN is stored as NULL) inside the caller's
 * transaction. Returns the number of rows and the operations of the last (0 where they are not known).
 */
export function insertSamples(c: Connection, runId: number, rows: Float64Array): { count: number; operations: number } {
  if (rows.length % WIDTH !== 0)
    throw new BadValueError("A batch of samples has a wrong length", {
      where: `run ${runId}`,
      why: `${rows.length} numbers are not a multiple of the ${WIDTH} columns`,
    });
  const count = rows.length / WIDTH;
  for (let from = 0; from < count; ) {
    const many = count - from >= ROWS_AT_ONCE;
    const to = from + (many ? ROWS_AT_ONCE : 1);
    const bound: number[] = [];
    for (; from < to; from++) {
      bound.push(runId);
      for (let i = from * WIDTH; i < (from + 1) * WIDTH; i++) bound.push(rows[i]);
    }
    c.prepare<[unknown[]], never>(many ? INSERT_MANY : INSERT_ONE).run(bound);
  }
  const last = count === 0 ? 0 : rows[rows.length - WIDTH + OPERATIONS];
  return { count, operations: Number.isNaN(last) ? 0 : last };
}

/** The samples of a run, in order. Throws NotFoundError. */
export function readSamples(c: Connection, runId: number, range: SampleRange = {}): Samples {
  const names = [...new Set<SampleColumn>(range.columns ?? NAMES)];
  return c.read(() => {
    if (c.prepare("SELECT 1 FROM run WHERE id = ?").get(runId) === undefined) throw new NotFoundError("run", runId);
    const rows = c
      .prepare<[number, number, number, number], (number | null)[]>(
        `SELECT ${names.join(", ") || "seq"} FROM sample WHERE run_id = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`,
      )
      .raw()
      .all(runId, range.fromSeq ?? 0, range.toSeq ?? Number.MAX_SAFE_INTEGER, range.most ?? -1);
    const columns: Samples["columns"] = {};
    for (const [at, name] of names.entries()) {
      const values = new Float64Array(rows.length);
      for (let i = 0; i < rows.length; i++) values[i] = rows[i][at] ?? Number.NaN;
      columns[name] = values;
    }
    return { count: rows.length, columns };
  });
}

/**
 * VmPTE at up to SPARKLINE_POINTS samples, evenly spread, first and last among them. `byClock`: at moments evenly spread over
 * the program's time, each with the last sample up to it.
 */
export function sparklineOf(c: Connection, runId: number, count: number, byClock = false): number[] {
  const points = Math.min(count, SPARKLINE_POINTS);
  if (byClock && points > 1) return sparklineByClock(c, runId, points);
  const at = c
    .prepare<[number, number], number | null>("SELECT vmpte_kb FROM sample WHERE run_id = ? AND seq = ?")
    .pluck();
  return Array.from({ length: points }, (_, i) =>
    at.get(runId, points === 1 ? 0 : Math.round((i * (count - 1)) / (points - 1))),
  ).filter((value) => typeof value === "number");
}

function sparklineByClock(c: Connection, runId: number, points: number): number[] {
  const rows = c
    .prepare<[number], [number | null, number | null]>(
      "SELECT time_ns, vmpte_kb FROM sample WHERE run_id = ? ORDER BY seq",
    )
    .raw()
    .all(runId);
  // A run may say that it has samples which it has not.
  if (rows.length === 0) return [];
  const end = rows.at(-1)?.[0] ?? 0;
  const values: number[] = [];
  let row = 0;
  for (let i = 0; i < points; i++) {
    while (row + 1 < rows.length && (rows[row + 1][0] ?? 0) <= (i * end) / (points - 1)) row++;
    values.push(rows[row][1] ?? 0);
  }
  return values;
}
