import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { orphansOf } from "./orphans.ts";

test("of many rows that refer to none only some are asked for", () => {
  const db = new Database(":memory:");
  db.pragma("foreign_keys = OFF");
  db.exec(`CREATE TABLE parent (id INTEGER PRIMARY KEY);
    CREATE TABLE child (id REFERENCES parent (id));
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO child SELECT i FROM n`);
  const before = performance.now();
  expect(orphansOf(db, 2)).toEqual(new Array(2).fill("a row of child refers to a row of parent that is not there"));
  const some = performance.now() - before;
  expect(db.pragma("foreign_key_check")).toHaveLength(300_000);
  expect(some * 20).toBeLessThan(performance.now() - before);
  db.close();
});
