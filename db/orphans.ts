/** Rows that refer to rows that are not there. */
import type Database from "better-sqlite3";

/** At most `max` of them, in words: a crafted file may have millions. */
export function orphansOf(db: Database.Database, max: number): string[] {
  return db
    .prepare<[number], { table: string; parent: string }>(
      'SELECT "table", parent FROM pragma_foreign_key_check LIMIT ?',
    )
    .all(max)
    .map(({ table, parent }) => `a row of ${table} refers to a row of ${parent} that is not there`);
}
