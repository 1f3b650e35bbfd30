/**
 * Whether the pages that lead to a file's tables are a tree of the size of ours. SQLite walks them, and what ANALYZE
 * left, as soon as it is asked anything: a few pages that lead to one another over and over keep it busy for ever.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { DamagedHistoryError } from "./errors.ts";
import { codeOf } from "./file-error.ts";
import { placeOf } from "./files.ts";
import { INNER_INDEX, INNER_TABLE, LEAF_INDEX, LEAF_TABLE, localBytes, readRecord, varint } from "./page-scan.ts";
import { walPages } from "./wal-pages.ts";

/** Of the file, before the first page's own header. */
const HEADER_BYTES = 100;

/** Ours have some thirty rows on six pages, and ANALYZE leaves some hundreds. */
const PAGES_MAX = 500;
const ROWS_MAX = 2000;
const ROW_BYTES_MAX = 4 * 1024 * 1024;
const DEPTH_MAX = 10;

/** The pages of a file. */
interface Pages {
  /** Null where it is not there. */
  readonly read: (number: number) => Buffer | null;
  /** Bytes of a page that are used. */
  readonly usable: number;
}

class NoTree extends Error {}

/** The trees of one file: what all of them together may have is bounded. */
class Trees {
  readonly #pages: Pages;
  readonly #seen = new Set<number>();
  #rows = 0;
  #bytes = 0;

  constructor(pages: Pages) {
    this.#pages = pages;
  }

  /** The record of every row. What is no page of a tree ends the walk there, as it ends SQLite's. Throws NoTree. */
  *rows(number: number, depth = 1): Generator<Buffer> {
    const page = this.#pages.read(number);
    if (page === null) return;
    const start = number === 1 ? HEADER_BYTES : 0;
    const type = page.readUInt8(start);
    const isTable = type === INNER_TABLE || type === LEAF_TABLE;
    const isInner = type === INNER_TABLE || type === INNER_INDEX;
    if (!isTable && !isInner && type !== LEAF_INDEX) return;
    if (this.#seen.has(number)) throw new NoTree(`page ${number} is part of it twice`);
    if (depth > DEPTH_MAX) throw new NoTree(`it is more than ${DEPTH_MAX} pages deep`);
    if (this.#seen.add(number).size > PAGES_MAX) throw new NoTree(`it has more than ${PAGES_MAX} pages`);
    const pointers = start + (isInner ? 12 : 8);
    for (let i = 0; i < page.readUInt16BE(start + 3); i++) {
      const pointer = pointers + 2 * i;
      if (pointer + 2 > page.length) return;
      // SQLite takes what is beyond the page for the same as far from its beginning.
      const cell = page.readUInt16BE(pointer) & (page.length - 1);
      if (isInner) yield* this.rows(page.readUInt32BE(cell), depth + 1);
      if (type !== INNER_TABLE) yield this.#record(page, cell + (isInner ? 4 : 0), isTable);
    }
    if (isInner) yield* this.rows(page.readUInt32BE(start + 8), depth + 1);
  }

  #record(page: Buffer, cell: number, isTable: boolean): Buffer {
    const [size, afterSize] = varint(page, cell);
    const at = isTable ? varint(page, afterSize)[1] : afterSize;
    this.#bytes += size;
    if (++this.#rows > ROWS_MAX) throw new NoTree(`it has more than ${ROWS_MAX} rows`);
    if (this.#bytes > ROW_BYTES_MAX) throw new NoTree(`its rows say that they have ${this.#bytes} bytes`);
    const local = localBytes(this.#pages.usable, size, isTable);
    const pieces = [page.subarray(at, at + local)];
    let next = local < size ? page.readUInt32BE(at + local) : 0;
    for (let left = size - local; left > 0; left -= this.#pages.usable - 4) {
      const more = this.#pages.read(next);
      if (more === null) break;
      pieces.push(more.subarray(4, 4 + Math.min(left, this.#pages.usable - 4)));
      next = more.readUInt32BE(0);
    }
    return Buffer.concat(pieces);
  }
}

/** Whether a row of the schema has to do with what ANALYZE left: SQLite reads it with the schema. */
const isStatistics = (record: Buffer): boolean => /sqlite_stat/i.test(record.toString("latin1"));

function walk(pages: Pages): void {
  const trees = new Trees(pages);
  const statistics: number[] = [];
  // Type, name, table, first page, SQL.
  for (const record of trees.rows(1))
    if (isStatistics(record)) statistics.push(Number(readRecord({ record, whole: false }, 5)[3]));
  for (const root of statistics) for (const _ of trees.rows(root));
}

/** A log that is open, null where there is none: the last process that has the history open takes it away. */
function openLog(log: string): number | null {
  try {
    return openSync(log, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** How the tree of a file's schema is none of ours, in words; null where it is. Its header was checked. */
function problemOf(place: string): string | null {
  const file = openSync(place, "r");
  let log: number | null = null;
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(file, header, 0, HEADER_BYTES, 0);
    const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
    // SQLite says what such a file is.
    if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) return null;
    log = openLog(`${place}-wal`);
    const logged = log === null ? null : walPages(log);
    if (logged !== null && logged.at.size > 0 && logged.pageSize !== pageSize)
      return "its log has pages of another size";
    const read = (number: number): Buffer | null => {
      const page = Buffer.alloc(pageSize);
      const inLog = logged?.at.get(number);
      const got =
        inLog !== undefined && log !== null
          ? readSync(log, page, 0, pageSize, inLog)
          : number >= 1 && readSync(file, page, 0, pageSize, (number - 1) * pageSize);
      return got === pageSize ? page : null;
    };
    walk({ read, usable: pageSize - header.readUInt8(20) });
    return null;
  } catch (error) {
    if (error instanceof NoTree) return `the tree of its tables is none of ours: ${error.message}`;
    // A cell or record that is none: SQLite says so, too.
    if (error instanceof RangeError) return "the tree of its tables has rows that are none";
    throw error;
  } finally {
    closeSync(file);
    if (log !== null) closeSync(log);
  }
}

/** A living process may begin its log anew while it is read here. */
const TRIES = 3;

/**
 * Throws DamagedHistoryError unless SQLite comes to an end when it reads which tables the file has. It is looked at as
 * SQLite would: with what is committed in the log beside it. A rollback journal is not taken into account: where one
 * would be played back, checkHeader refuses the file.
 */
export function requireSchemaTree(file: string): void {
  let problem: string | null = null;
  for (let tries = 0; tries < TRIES; tries++) {
    problem = problemOf(placeOf(file));
    if (problem === null) return;
  }
  throw new DamagedHistoryError(file, String(problem));
}
