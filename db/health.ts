/** Whether a history is sound, page by page and row by row. */
import type { Connection } from "./connection.ts";
import { DamagedHistoryError, translate } from "./errors.ts";

export interface Health {
  readonly ok: boolean;
  /** What SQLite and the store's own rules find wrong, at most PROBLEMS_MAX. */
  readonly problems: readonly string[];
  readonly experiments: number;
  readonly runs: number;
  readonly samples: number;
}

const PROBLEMS_MAX = 100;

/** Reads all of the file: seconds for a long history. */
export function checkHealth(c: Connection): Health {
  // Each check is one statement, and so one consistent look; a transaction around them would not survive damage.
  c.read(() => undefined);
  const problems: string[] = [];
  /** Damage that stops one check is a problem found; the others go on. */
  const look = (check: () => void): void => {
    try {
      check();
    } catch (error) {
      const named = translate(error, c.file);
      if (!(named instanceof DamagedHistoryError)) throw named;
      problems.push(named.why ?? named.message);
    }
  };
  const count = (table: string): number => {
    let found = 0;
    look(() => {
      found = c.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
    });
    return found;
  };
  // What is in the file is to be checked, not what is in memory.
  c.db.pragma("shrink_memory");
  look(() => {
    for (const row of c.db.pragma(`integrity_check(${PROBLEMS_MAX})`) as { integrity_check: string }[])
      if (row.integrity_check !== "ok") problems.push(row.integrity_check.replace(/\s+/g, " "));
  });
  look(() => {
    for (const row of c.db.pragma("foreign_key_check") as { table: string; parent: string }[])
      problems.push(`a row of ${row.table} refers to a row of ${row.parent} that is not there`);
  });
  look(() => {
    const miscounted = c
      .prepare<[], { id: number; sample_count: number; found: number }>(
        `SELECT id, sample_count, (SELECT count(*) FROM sample WHERE run_id = run.id) AS found FROM run
         WHERE sample_count <> found LIMIT 100`,
      )
      .all();
    for (const { id, sample_count, found } of miscounted)
      problems.push(`run ${id} should have ${sample_count} samples and has ${found}`);
  });
  const [experiments, runs, samples] = ["experiment", "run", "sample"].map(count);
  return { ok: problems.length === 0, problems: problems.slice(0, PROBLEMS_MAX), experiments, runs, samples };
}
