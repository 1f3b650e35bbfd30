/** What is wrong with the contents of a history: its pages, its references, its counts, and every value by its shape. */
import type Database from "better-sqlite3";
import { SAMPLE_COLUMNS } from "../engine/experiment/types.ts";
import { DamagedHistoryError, translate } from "./errors.ts";
import { orphansOf } from "./orphans.ts";
import {
  badWords,
  EXPERIMENT_SHAPE,
  RUN_SHAPE,
  readRow,
  SETTING_SHAPE,
  selectOf,
  TAG_SHAPE,
  TAGS_MAX,
} from "./stored.ts";

export interface Soundness {
  /** Of the file itself: nothing more should be written to it. */
  readonly damage: readonly string[];
  /** Of single rows: these are shown as what they are, all else is sound. */
  readonly badRows: readonly string[];
  /** Whether its trees are whole, so that its rows can be counted. */
  readonly countable: boolean;
}

export const PROBLEMS_MAX = 100;

/** Asks a database whose schema is ours; `file` is what errors name. Reads all of it: seconds for a long history. */
export function soundnessOf(db: Database.Database, file: string): Soundness {
  const damage: string[] = [];
  const badRows: string[] = [];
  /** Damage that stops one check is a problem found; the others go on. */
  const look = (check: () => void): void => {
    try {
      check();
    } catch (error) {
      const named = translate(error, file);
      if (!(named instanceof DamagedHistoryError)) throw named;
      damage.push(named.why ?? named.message);
    }
  };
  look(() => {
    for (const row of db.pragma(`integrity_check(${PROBLEMS_MAX})`) as { integrity_check: string }[])
      if (row.integrity_check !== "ok") damage.push(row.integrity_check.replace(/\s+/g, " "));
  });
  // A tree that leads in circles is not walked: it may have no end.
  if (damage.length > 0) return { damage: damage.slice(0, PROBLEMS_MAX), badRows, countable: false };
  look(() => {
    damage.push(...orphansOf(db, PROBLEMS_MAX));
  });
  look(() => {
    const miscounted = db
      .prepare<[], { id: number; sample_count: number; found: number }>(
        `SELECT id, sample_count, (SELECT count(*) FROM sample WHERE run_id = run.id) AS found FROM run
         WHERE sample_count <> found LIMIT ${PROBLEMS_MAX}`,
      )
      .all();
    for (const { id, sample_count, found } of miscounted)
      damage.push(`run ${id} should have ${sample_count} samples and has ${found}`);
  });
  look(() => {
    for (const problem of badRowsOf(db)) if (badRows.push(problem) >= PROBLEMS_MAX) return;
  });
  return { damage: damage.slice(0, PROBLEMS_MAX), badRows, countable: true };
}

function* badRowsOf(db: Database.Database): Generator<string> {
  for (const [table, shape] of [
    ["experiment", EXPERIMENT_SHAPE],
    ["run", RUN_SHAPE],
  ] as const)
    for (const row of db.prepare<[], { id: number }>(`SELECT ${selectOf(shape)} FROM ${table} ORDER BY id`).iterate()) {
      const words = badWords(readRow(shape, row).bad);
      if (words !== null) yield `${table} ${row.id}: ${words}`;
    }
  let of = 0;
  let tags = 0;
  for (const row of db
    .prepare<[], { experiment_id: number; name: unknown }>(
      `SELECT experiment_id, ${selectOf(TAG_SHAPE)} FROM tag ORDER BY experiment_id`,
    )
    .iterate()) {
    tags = row.experiment_id === of ? tags + 1 : 1;
    of = row.experiment_id;
    if (readRow(TAG_SHAPE, row).bad.length > 0) yield `experiment ${of}: one of its tags is too long`;
    if (tags === TAGS_MAX + 1) yield `experiment ${of}: it has more than ${TAGS_MAX} tags`;
  }
  for (const row of db.prepare<[], object>(`SELECT ${selectOf(SETTING_SHAPE)} FROM setting ORDER BY key`).iterate()) {
    const { values, bad } = readRow(SETTING_SHAPE, row);
    const words = badWords(bad);
    if (words !== null) yield `setting “${values.key}”: ${words}`;
  }
  yield* badSamples(db);
}

/** Samples are whole numbers from 0 up that JavaScript has exactly. */
function* badSamples(db: Database.Database): Generator<string> {
  const odd = SAMPLE_COLUMNS.map(({ name }) => `${name} NOT BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER}`);
  for (const { run_id, seq } of db
    .prepare<[], { run_id: number; seq: number }>(
      `SELECT run_id, min(seq) AS seq FROM sample WHERE ${odd.join(" OR ")} GROUP BY run_id`,
    )
    .iterate())
    yield `run ${run_id}: a number of its sample ${seq} is out of all bounds`;
}
