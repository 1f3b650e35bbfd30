/** Small things that belong to a history, by name. */
import type { Connection } from "./connection.ts";
import type { Json } from "./records.ts";

/** Null where it was never set. */
export function getSetting(c: Connection, key: string): Json {
  return c.read(() => {
    const text = c.prepare<[string], string>("SELECT value FROM setting WHERE key = ?").pluck().get(key);
    return text === undefined ? null : (JSON.parse(text) as Json);
  });
}

export function setSetting(c: Connection, key: string, value: Json): void {
  c.write(() =>
    c
      .prepare("INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
      .run(key, JSON.stringify(value)),
  );
}
