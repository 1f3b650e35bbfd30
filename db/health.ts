/** Whether a history is sound, page by page and row by row. */
import type { Connection } from "./connection.ts";

export interface Health {
  readonly ok: boolean;
  /** What SQLite and the store's own rules find wrong, at most 100. */
  readonly problems: readonly string[];
  readonly experiments: number;
  readonly runs: number;
  readonly samples: number;
}

/** Reads all of the file: seconds for a long history. */
export function checkHealth(c: Connection): Health {
  // Read as everything else is: a file that is too damaged even for the check is named, not thrown at the caller.
  const problems = c.read(() =>
    (c.db.pragma("integrity_check(100)") as { integrity_check: string }[])
      .map((row) => row.integrity_check)
      .filter((line) => line !== "ok"),
  );
  return c.read(() => {
    for (const row of c.db.pragma("foreign_key_check") as { table: string; parent: string }[])
      problems.push(`a row of ${row.table} refers to a row of ${row.parent} that is not there`);
    const miscounted = c.db
      .prepare<[], { id: number; sample_count: number; found: number }>(
        `SELECT id, sample_count, (SELECT count(*) FROM sample WHERE run_id = run.id) AS found FROM run
         WHERE sample_count <> found LIMIT 100`,
      )
      .all();
    for (const { id, sample_count, found } of miscounted)
      problems.push(`run ${id} should have ${sample_count} samples and has ${found}`);
    const count = (table: string) => c.db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
    return {
      ok: problems.length === 0,
      problems: problems.slice(0, 100),
      experiments: count("experiment"),
      runs: count("run"),
      samples: count("sample"),
    };
  });
}
