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
      const found = [...scanPages(readFileSync(file))];
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
  const rowsOf = (pages: number) => [...scanPages(bytes.subarray(0, pages * 4096))];
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
      for (const { rowid, values } of scanPages(bytes)) {
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
      expect([...scanPages(bytes)]).toEqual([]);
    }),
  );
});

test("a file that ends within its own header has no rows", () => {
  const header = Buffer.alloc(100);
  header.write("SQLite format 3\0", "latin1");
  header.writeUInt16BE(4096, 16);
  for (let length = 0; length <= 100; length++)
    expect([...scanPages(header.subarray(0, length))], `${length}`).toEqual([]);
});
