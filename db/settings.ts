/** Small things that belong to a history, by name. */
import type { Connection } from "./connection.ts";
import type { Json } from "./records.ts";
import { readRow, SETTING_SHAPE, selectOf } from "./stored.ts";

/** Null where it was never set, or what is stored cannot be read. */
export function getSetting(c: Connection, key: string): Json {
  return c.read(() => {
    const row = c.prepare<[string], object>(`SELECT ${selectOf(SETTING_SHAPE)} FROM setting WHERE key = ?`).get(key);
    return row === undefined ? null : (readRow(SETTING_SHAPE, row).values.value as Json);
  });
}

export function setSetting(c: Connection, key: string, value: Json): void {
  c.write(() =>
    c
      .prepare("INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
      .run(key, JSON.stringify(value)),
  );
}
