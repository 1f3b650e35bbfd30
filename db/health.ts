/** Whether a history is sound, page by page and row by row. */
import type { Connection } from "./connection.ts";
import { schemaProblem } from "./our-schema.ts";
import { MIGRATIONS } from "./schema.ts";
import { PROBLEMS_MAX, soundnessOf } from "./soundness.ts";

export interface Health {
  readonly ok: boolean;
  /** What SQLite and the store's own rules find wrong, at most PROBLEMS_MAX. */
  readonly problems: readonly string[];
  /** The first that is wrong with the file itself and not with single rows; null where nothing is. */
  readonly damage: string | null;
  readonly experiments: number;
  readonly runs: number;
  readonly samples: number;
}

/** Reads all of the file: seconds for a long history. */
export function checkHealth(c: Connection): Health {
  // Each check is one statement, and so one consistent look; a transaction around them would not survive damage.
  c.read(() => undefined);
  // What is in the file is to be checked, not what is in memory.
  c.db.pragma("shrink_memory");
  const schema = schemaProblem(c.db, c.file, MIGRATIONS);
  const { damage, badRows, countable } =
    schema === null ? c.named(() => soundnessOf(c.db, c.file)) : { damage: [schema], badRows: [], countable: false };
  const count = (table: string): number =>
    !countable ? 0 : (c.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0);
  const [experiments, runs, samples] = ["experiment", "run", "sample"].map(count);
  const problems = [...damage, ...badRows].slice(0, PROBLEMS_MAX);
  return { ok: problems.length === 0, problems, damage: damage[0] ?? null, experiments, runs, samples };
}
