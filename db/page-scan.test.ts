import { readFileSync } from "node:fs";
import Database from "better-sqlite3";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type StoredValue, scanPages } from "./page-scan.ts";
import { testFolder } from "./testing.ts";

let folder: ReturnType<typeof testFolder>;
beforeEach(() => {
  folder = testFolder();
});
afterEach(() => folder.remove());

const value = fc.oneof(
  fc.constant(null),
  fc.maxSafeInteger(),
  fc.integer({ min: -200, max: 200 }),
  fc.double({ noNaN: true }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.string({ maxLength: 10 }).map((text) => text.repeat(2000)),
  fc.uint8Array({ maxLength: 40 }),
);

const plain = (row: readonly (StoredValue | undefined)[]) =>
  row.map((item) => (item instanceof Uint8Array ? [...item] : item));
const sorted = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();

test("every row of a file is found on its pages, with and without rowids, long ones too", () => {
  let nth = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 300 }), (rows) => {
      const file = folder.file(`${nth++}.sqlite`);
      const db = new Database(file);
      db.exec(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x, y, z); CREATE TABLE b (k INTEGER PRIMARY KEY, x, y, z, more) WITHOUT ROWID",
      );
      const bound = (item: unknown) => (item instanceof Uint8Array ? Buffer.from(item) : item);
      db.transaction(() => {
        for (const [i, row] of rows.entries()) {
          const [x, y, z] = row.map(bound);
          db.prepare("INSERT INTO a VALUES (?, ?, ?, ?)").run(i + 1, x, y, z);
          db.prepare("INSERT INTO b VALUES (?, ?, ?, ?, 1)").run(i, x, y, z);
        }
      })();
      const read = (sql: string) => db.prepare<[], StoredValue[]>(sql).raw().all().map(plain);
      const [a, b] = [read("SELECT id, x, y, z FROM a"), read("SELECT * FROM b")];
      db.close();
      const found = [...scanPages(readFileSync(file), 5)];
      const ofA = found.filter((row) => row.rowid !== null).map((row) => [row.rowid, ...plain(row.values.slice(1))]);
      const ofB = found.filter((row) => row.values.length === 5).map((row) => plain(row.values));
      expect([...new Set(sorted(ofA))].sort()).toEqual(sorted(a));
      // A row may lie on a page that is no longer in use, too.
      expect([...new Set(sorted(ofB))].sort()).toEqual(sorted(b));
    }),
    { numRuns: 25 },
  );
});

test("of a row whose overflow pages are cut off the columns before are read", () => {
  const file = folder.file("cut.sqlite");
  const db = new Database(file);
  db.exec("CREATE TABLE a (id INTEGER PRIMARY KEY, x, y, z, more)");
  const [first, second] = ["first ".repeat(50), "second ".repeat(1000)];
  db.prepare("INSERT INTO a VALUES (7, ?, 1.5, ?, 3)").run(first, second);
  db.close();
  const bytes = readFileSync(file);
  const rowsOf = (pages: number) => [...scanPages(bytes.subarray(0, pages * 4096), 5)];
  expect(rowsOf(3)).toEqual([{ rowid: 7, whole: true, values: [null, first, 1.5, second, 3] }]);
  expect(rowsOf(2)).toEqual([{ rowid: 7, whole: false, values: [null, first, 1.5, undefined, undefined] }]);
  expect(rowsOf(1)).toEqual([]);
});

/** Of 512 bytes, leaves of tables and of indexes in turn, the rest noise. */
function noisyPages(noise: Uint8Array): Buffer {
  const bytes = Buffer.from(noise);
  bytes.writeUInt16BE(512, 16);
  for (let at = 512; at < bytes.length; at += 512) bytes[at] = at % 1024 === 0 ? 0x0a : 0x0d;
  return bytes;
}

test("noise is no error, and what looks like rows in it is of the types of rows, and bounded", () => {
  const noise = fc.uint8Array({ minLength: 1024, maxLength: 20_000 });
  fc.assert(
    fc.property(noise, (some) => {
      const bytes = noisyPages(some);
      for (const { rowid, values } of scanPages(bytes, 1000)) {
        expect(rowid === null || Number.isFinite(rowid), `rowid ${rowid}`).toBe(true);
        for (const item of values) {
          expect(["number", "string", "object", "undefined"], String(item)).toContain(typeof item);
          if (typeof item === "string" || item instanceof Uint8Array)
            expect(item.length).toBeLessThanOrEqual(4 * bytes.length);
        }
      }
    }),
  );
});

test("pages of noise without a cell pointer have no rows", () => {
  const noise = fc.uint8Array({ minLength: 1024, maxLength: 20_000 });
  fc.assert(
    fc.property(noise, (some) => {
      const bytes = noisyPages(some);
      // The number of cells, at offset 3 of a page's header.
      for (let at = 512; at + 5 <= bytes.length; at += 512) bytes.writeUInt16BE(0, at + 3);
      expect([...scanPages(bytes, 1000)]).toEqual([]);
    }),
  );
});

test("a file that ends within its own header has no rows", () => {
  const header = Buffer.alloc(100);
  header.write("SQLite format 3\0", "latin1");
  header.writeUInt16BE(4096, 16);
  for (let length = 0; length <= 100; length++)
    expect([...scanPages(header.subarray(0, length), 5)], `${length}`).toEqual([]);
});

/** A file of one page of 64 KiB for rows, with so many pointers to cells in it. */
function crafted(cells: readonly number[], put: (page: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(2 * 65_536);
  bytes.write("SQLite format 3\0", "latin1");
  bytes.writeUInt16BE(1, 16);
  const page = bytes.subarray(65_536);
  page[0] = 0x0d;
  page.writeUInt16BE(cells.length, 3);
  for (const [i, cell] of cells.entries()) page.writeUInt16BE(cell, 8 + 2 * i);
  put(page);
  return bytes;
}

const varint3 = (number: number) => [0x80 | (number >> 14), 0x80 | ((number >> 7) & 127), number & 127];

test("cells that are one cell, or lie in one another, cost no more than the file has bytes for", () => {
  const cells = 10_000;
  const [first, size] = [8 + 2 * cells, 40_000];
  // 39,997 columns that are NULL.
  const one = crafted(new Array(cells).fill(first), (page) =>
    Buffer.from([...varint3(size), 1, ...varint3(size)]).copy(page, first),
  );
  let values = 0;
  for (const row of scanPages(one, 100_000)) values += row.values.length;
  expect(values).toBe(size - 3);
  expect([...scanPages(one, 29)]).toEqual([]);
  // A text each, which the cells behind it are part of.
  const starts = Array.from({ length: 600 }, (_, i) => first + 8 * i);
  const nested = crafted(starts, (page) => {
    for (const at of starts) Buffer.from([...varint3(size), 1, 4, ...varint3(2 * (size - 4) + 13)]).copy(page, at);
  });
  let bytes = 0;
  for (const row of scanPages(nested, 29)) bytes += Buffer.byteLength(String(row.values[0]), "latin1");
  expect(bytes).toBeGreaterThan(size / 2);
  expect(bytes).toBeLessThanOrEqual(4 * nested.length);
});
