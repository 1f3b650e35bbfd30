/** Saves what can still be read of a damaged history into a new one. The damaged file is not touched. */

import { readFileSync } from "node:fs";
import Database from "better-sqlite3";
import { DEFAULT_BASELINE } from "../engine/experiment/policies.ts";
import { SAMPLE_COLUMNS } from "../engine/experiment/types.ts";
import { makeSingle } from "./backup.ts";
import { connection } from "./connection.ts";
import { copyParts } from "./copy-parts.ts";
import { BadValueError, DamagedHistoryError, HistoryIoError, translate } from "./errors.ts";
import { refreshHeadline, refreshSearch } from "./experiments.ts";
import { notAFile, placeOf, publish, removeDatabase, sizeOf } from "./files.ts";
import { requireSqlite } from "./header.ts";
import { openFile } from "./open.ts";
import { isOurTable, SEQUENCE_MAX } from "./our-schema.ts";
import { claimOwner, releaseOwner } from "./owner.ts";
import { scanPages } from "./page-scan.ts";
import { MIGRATIONS } from "./schema.ts";
import { requireSchemaTree } from "./schema-tree.ts";
import { EXPERIMENT_SHAPE, RUN_SHAPE, readRow, SETTING_SHAPE, TAG_SHAPE, TAGS_MAX, UNKNOWN_FACTS } from "./stored.ts";
import { temporaryBeside } from "./temporaries.ts";

export interface Recovered {
  readonly experiments: number;
  readonly runs: number;
  readonly samples: number;
  /** Tables in which something could not be read. */
  readonly incomplete: readonly string[];
}

type Row = Record<string, unknown>;

/**
 * Reads `damaged` from both ends of every table up to the damage, then the pages that no table leads to, and writes `target`, which must not exist. Runs whose
 * experiment is lost get a new one. Throws DamagedHistoryError when nothing can be read.
 */
export function recoverHistory(damaged: string, target: string, now: () => number = Date.now): Recovered {
  const odd = notAFile(target);
  if (odd !== null || sizeOf(target) !== null)
    throw new BadValueError("The recovered history needs a new file", {
      where: target,
      why: odd ?? "a file with that name exists",
      todo: "Choose another name",
    });
  const copy = temporaryBeside(target);
  const made = temporaryBeside(target);
  try {
    if (sizeOf(damaged) === null) throw new HistoryIoError(damaged, "there is no such file");
    requireSqlite(damaged);
    const place = placeOf(damaged);
    copyParts(place, copy);
    const recovered = readInto(copy, made, damaged, now);
    publish(made, target);
    return recovered;
  } catch (error) {
    throw translate(error, damaged);
  } finally {
    removeDatabase(copy);
    removeDatabase(made);
  }
}

/** Where SQLite would find no end in the file's list of tables it is not asked: what is on the pages is left to be read. */
function openDamaged(file: string): Database.Database {
  try {
    requireSchemaTree(file);
  } catch (error) {
    if (!(error instanceof DamagedHistoryError)) throw error;
    return new Database(":memory:");
  }
  const db = new Database(file, { fileMustExist: true });
  // SQLite then reads a file that is shorter than it should be, and an index that does not fit its table.
  db.unsafeMode(true);
  db.pragma("writable_schema = ON");
  db.pragma("cell_size_check = ON");
  return db;
}

/** Larger files are read by their trees alone. */
const SCANNED_BYTES_MAX = 1024 * 1024 * 1024;

/** The bytes of the file, its log's pages among them where they can be put there. */
function pagesOf(db: Database.Database, file: string): Buffer | null {
  try {
    db.pragma("wal_checkpoint(TRUNCATE)");
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
  }
  return (sizeOf(file) ?? 0) <= SCANNED_BYTES_MAX ? readFileSync(file) : null;
}

/** The experiment of each run, as the index of them (run_experiment) has it: it may be there where the run's own record is not. */
function ownersIn(pages: Buffer | null): ReadonlyMap<number, number> {
  const owners = new Map<number, number>();
  if (pages === null) return owners;
  for (const { rowid, values } of scanPages(pages, 2)) {
    const [experiment, run] = values;
    if (rowid !== null || values.length !== 2 || typeof experiment !== "number" || typeof run !== "number") continue;
    // The other index of two numbers is of times.
    if (experiment < LOST_EXPERIMENT_FROM) owners.set(run, experiment);
  }
  return owners;
}

function readInto(copy: string, made: string, damaged: string, now: () => number): Recovered {
  const incomplete = new Set<string>();
  const source = openDamaged(copy);
  const pages = pagesOf(source, copy);
  const owner = claimOwner();
  const { db } = openFile(made);
  const c = connection(db, made, MIGRATIONS.length, now, owner);
  try {
    const numbered = renumbering();
    const read = function* (table: string, keys: readonly string[], where = "", ...bound: unknown[]): Generator<Row> {
      for (const row of bothEnds(source, { table, keys, where, bound }, () => incomplete.add(table)))
        yield numbered(table, row);
    };
    const counts = c.write(() => {
      const put = (table: string, found: Row): boolean => {
        const row = valid(table, found, () => incomplete.add(table));
        if (row === null) return false;
        const names = columns.get(table)?.filter((name) => name in row) ?? [];
        const sql = `INSERT OR IGNORE INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
        try {
          return c.prepare(sql).run(...names.map((name) => row[name])).changes === 1;
        } catch {
          // A row whose values the schema does not allow is damage too.
          incomplete.add(table);
          return false;
        }
      };
      const columns = new Map(
        ["setting", "experiment", "tag", "run", "sample"].map((table) => [
          table,
          c.db.prepare<[string], string>("SELECT name FROM pragma_table_info(?)").pluck().all(table),
        ]),
      );
      /** Of a table whose tree is damaged: rows found on pages that the tree no longer leads to. */
      const scanned = function* (table: string): Generator<Row> {
        if (!incomplete.has(table) || pages === null) return;
        const names = columns.get(table) ?? [];
        const hasRowid = names[0] === "id";
        // Those that the file's end cut come last: an older one that is whole may lie on a page that is no longer in use.
        for (const wanted of [true, false])
          for (const { rowid, values, whole } of scanPages(pages, names.length)) {
            if (whole !== wanted || values.length !== names.length || (rowid !== null) !== hasRowid) continue;
            const kept = names.map((name, i) => [name, values[i]] as const).filter(([, value]) => value !== undefined);
            const row = Object.fromEntries(kept);
            const found = numbered(table, hasRowid ? { ...row, id: rowid } : row);
            yield whole ? found : cutOff(table, found, now());
          }
      };
      const all = (table: string, keys: readonly string[], change: (row: Row) => Row = (row) => row): number => {
        let count = 0;
        for (const row of read(table, keys)) if (put(table, change(row))) count++;
        return count;
      };
      all("setting", ["key"]);
      let experiments = all("experiment", ["id"]);
      for (const row of scanned("experiment")) if (put("experiment", row)) experiments++;
      all("tag", ["experiment_id", "name"]);
      for (const row of scanned("tag")) put("tag", row);
      const { changes } = c
        .prepare(
          `DELETE FROM tag WHERE (experiment_id, name) IN (SELECT experiment_id, name FROM
            (SELECT experiment_id, name, row_number() OVER (PARTITION BY experiment_id ORDER BY name) AS nth FROM tag)
            WHERE nth > ${TAGS_MAX})`,
        )
        .run();
      if (changes > 0) incomplete.add("tag");
      const putRun = (row: Row): number => {
        if (c.prepare("SELECT 1 FROM experiment WHERE id = ?").get(row.experiment_id) === undefined)
          if (put("experiment", lostExperiment(row, now()))) experiments++;
        return put("run", interrupted(row)) ? 1 : 0;
      };
      let runs = 0;
      for (const row of read("run", ["id"])) runs += putRun(row);
      for (const row of scanned("run")) runs += putRun(row);
      let samples = 0;
      let owners: ReadonlyMap<number, number> | undefined;
      const putSample = (row: Row): void => {
        if (c.prepare("SELECT 1 FROM run WHERE id = ?").get(row.run_id) === undefined) {
          // What is not among runs that could all be read was removed, and lies in a page that is no longer in use.
          if (!incomplete.has("run")) return;
          const lost = numbered("run", lostRun(row, now()));
          owners ??= ownersIn(pages);
          const owner = owners.get(Number(row.run_id));
          const known =
            owner !== undefined && c.prepare("SELECT 1 FROM experiment WHERE id = ?").get(owner) !== undefined;
          runs += putRun(known ? { ...lost, experiment_id: owner } : lost);
        }
        if (put("sample", row)) samples++;
      };
      for (const run of runsWithSamples(source, () => incomplete.add("sample")))
        for (const row of read("sample", ["seq"], "run_id = ?", run)) putSample(row);
      for (const row of scanned("sample")) putSample(row);
      c.prepare("UPDATE run SET sample_count = (SELECT count(*) FROM sample WHERE run_id = run.id)").run();
      for (const id of c.prepare<[], number>("SELECT id FROM experiment").pluck().all()) {
        refreshHeadline(c, id, "all");
        refreshSearch(c, id);
      }
      return { experiments, runs, samples };
    });
    if (counts.experiments + counts.runs === 0)
      throw new DamagedHistoryError(damaged, "nothing in it can be read any more");
    makeSingle(c.db);
    return { ...counts, incomplete: [...incomplete].sort() };
  } finally {
    releaseOwner(owner);
    db.close();
    source.close();
  }
}

/** Which rows of a table to read: those of `where`, in the order of `keys`. */
interface Part {
  readonly table: string;
  readonly keys: readonly string[];
  readonly where: string;
  readonly bound: readonly unknown[];
}

/** Which of two rows comes first by its keys, as SQLite orders them: below 0 where it is `a`. */
function byKeys(keys: readonly string[], a: Row, b: Row): number {
  for (const key of keys) {
    const [one, other] = [a[key], b[key]];
    const order =
      typeof one === "number" && typeof other === "number"
        ? one - other
        : Buffer.compare(Buffer.from(String(one)), Buffer.from(String(other)));
    if (order !== 0) return order;
  }
  return 0;
}

/** A page's rows in turns without end: a crafted or damaged tree may lead in circles. */
class NotInOrder extends Error {}

function* inOrder(rows: Iterable<Row>, keys: readonly string[], direction: 1 | -1): Generator<Row> {
  let before: Row | undefined;
  for (const row of rows) {
    if (before !== undefined && byKeys(keys, before, row) * direction >= 0) throw new NotInOrder();
    before = row;
    yield row;
  }
}

/**
 * Rows of a part in rising order until one cannot be read, then in falling order until the same. None where the table is
 * not one of ours: what stands in its place is not asked.
 */
function* bothEnds(db: Database.Database, part: Part, onDamage: () => void): Generator<Row> {
  try {
    if (!isOurTable(db, part.table, MIGRATIONS)) return onDamage();
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    return onDamage();
  }
  for (const direction of ["ASC", "DESC"] as const) {
    const order = part.keys.map((key) => `${key} ${direction}`).join(", ");
    const where = part.where ? `WHERE ${part.where}` : "";
    try {
      const rows = db
        .prepare<unknown[], Row>(`SELECT * FROM ${part.table} NOT INDEXED ${where} ORDER BY ${order}`)
        .iterate(...part.bound);
      yield* inOrder(rows, part.keys, direction === "ASC" ? 1 : -1);
      return;
    } catch (error) {
      if (!(error instanceof Database.SqliteError || error instanceof NotInOrder)) throw error;
      onDamage();
    }
  }
}

const SHAPES = { experiment: EXPERIMENT_SHAPE, run: RUN_SHAPE, tag: TAG_SHAPE, setting: SETTING_SHAPE } as const;
const KEYS: ReadonlySet<string> = new Set(["id", "experiment_id", "uid", "key"]);

const isJson = (column: object | undefined): boolean => column !== undefined && "json" in column;
const isCount = (value: unknown): boolean => typeof value === "number" && value >= 0 && Number.isSafeInteger(value);

/**
 * The row with what none can hold replaced by what stands for it; null where it cannot be kept at all. `onLoss` is called
 * where something of it is lost.
 */
function valid(table: string, row: Row, onLoss: () => void): Row | null {
  if (table === "sample") {
    const odd = SAMPLE_COLUMNS.filter(
      ({ name }) => row[name] !== null && row[name] !== undefined && !isCount(row[name]),
    );
    if (odd.length === 0) return row;
    onLoss();
    if (odd.some(({ name }) => name === "seq")) return null;
    return { ...row, ...Object.fromEntries(odd.map(({ name }) => [name, null])) };
  }
  if (!Object.hasOwn(SHAPES, table)) return row;
  const shape: (typeof SHAPES)[keyof typeof SHAPES] = SHAPES[table as keyof typeof SHAPES];
  const there = Object.fromEntries(Object.entries(shape).filter(([name]) => name in row));
  const { values, bad } = readRow(there, row);
  if (bad.length === 0) return row;
  onLoss();
  if (bad.some((name) => KEYS.has(name))) return null;
  const instead = bad.map((name) => {
    const value = values[name];
    return [name, isJson(there[name]) && value !== null ? JSON.stringify(value) : value];
  });
  return { ...row, ...Object.fromEntries(instead) };
}

/** Numbers of others begin far below, those of lost experiments too. */
const RENUMBERED_FROM = 2_000_000_000;

/** The columns of a table that hold numbers of experiments and of runs. */
const NUMBERS: Readonly<Record<string, Readonly<Record<string, "experiment" | "run">>>> = {
  experiment: { id: "experiment" },
  tag: { experiment_id: "experiment" },
  run: { id: "run", experiment_id: "experiment" },
  sample: { run_id: "run" },
};

/**
 * Gives rows that have a number behind which none would be left for the next (requireNumbers) another one, and those
 * that refer to them the same. What JavaScript has not exactly is left as it is, and is no number.
 */
function renumbering(): (table: string, row: Row) => Row {
  const given = { experiment: new Map<number, number>(), run: new Map<number, number>() };
  const instead = (of: "experiment" | "run", number: number): number => {
    const known = given[of].get(number) ?? RENUMBERED_FROM + given[of].size;
    given[of].set(number, known);
    return known;
  };
  return (table, row) => {
    const changed: Row = {};
    for (const [column, of] of Object.entries(NUMBERS[table] ?? {})) {
      const number = row[column];
      if (typeof number === "number" && number > SEQUENCE_MAX && Number.isSafeInteger(number))
        changed[column] = instead(of, number);
    }
    return Object.keys(changed).length === 0 ? row : { ...row, ...changed };
  };
}

function interrupted(run: Row): Row {
  if (run.status !== "queued" && run.status !== "running") return run;
  return { ...run, status: "interrupted", reason: "It was recovered from a damaged history", owner: null };
}

/** Ids of the runs that have samples, read from both ends like everything else. */
function runsWithSamples(db: Database.Database, onDamage: () => void): Set<number> {
  const ids = new Set<number>();
  try {
    if (!isOurTable(db, "sample", MIGRATIONS)) {
      onDamage();
      return ids;
    }
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    onDamage();
    return ids;
  }
  for (const [beyond, direction] of [
    [">", "ASC"],
    ["<", "DESC"],
  ] as const) {
    let id = direction === "ASC" ? 0 : Number.MAX_SAFE_INTEGER;
    try {
      const next = db
        .prepare<[number], number>(
          `SELECT run_id FROM sample WHERE run_id ${beyond} ? ORDER BY run_id ${direction}, seq ${direction} LIMIT 1`,
        )
        .pluck();
      for (;;) {
        const found = next.get(id);
        if (found === undefined) return ids;
        if (direction === "ASC" ? found <= id : found >= id) throw new NotInOrder();
        ids.add(found);
        id = found;
      }
    } catch (error) {
      if (!(error instanceof Database.SqliteError || error instanceof NotInOrder)) throw error;
      onDamage();
    }
  }
  return ids;
}

/** Stands for the experiment of a run whose own is lost. */
function lostExperiment(run: Row, nowMs: number): Row {
  return {
    id: run.experiment_id,
    uid: `recovered-${run.uid}`,
    kind: "workload",
    title: `Recovered experiment ${run.experiment_id}`,
    workload_kind: "file",
    workload: "unknown",
    params: run.params,
    seed: run.seed,
    levels: 4,
    created_ms: run.created_ms ?? nowMs,
    updated_ms: nowMs,
    search: `recovered experiment ${run.experiment_id}`,
  };
}

/** A row whose last columns lay in lost pages, with what stands for those that it cannot be without. */
function cutOff(table: string, row: Row, nowMs: number): Row {
  if (table === "experiment") return { created_ms: nowMs, updated_ms: nowMs, search: "", ...row };
  if (table !== "run") return row;
  const { facts, status, heartbeat_ms } = lostRun({ run_id: row.id }, nowMs);
  const kept = { facts, status, created_ms: nowMs, heartbeat_ms, ...row };
  // Without a summary it is not as a run that is done.
  return "summary" in row && row.summary !== null
    ? kept
    : { ...kept, status, owner: null, reason: row.reason ?? CUT_RUN };
}

const CUT_RUN = "The end of its record was lost in a damaged history: what is not shown could not be read";

/** Experiments of lost runs get numbers from here on, so that they take none of one that may be found elsewhere. */
const LOST_EXPERIMENT_FROM = 1_000_000_000;

/** Stands for a run of which only samples are left. */
function lostRun(sample: Row, nowMs: number): Row {
  return {
    id: sample.run_id,
    uid: `recovered-run-${sample.run_id}-${nowMs}`,
    experiment_id: LOST_EXPERIMENT_FROM + Number(sample.run_id),
    label: `recovered run ${sample.run_id}`,
    source: "model",
    mode: DEFAULT_BASELINE,
    params: "{}",
    seed: 0,
    engine_version: UNKNOWN_FACTS.engineVersion,
    facts: JSON.stringify(UNKNOWN_FACTS),
    status: "interrupted",
    reason:
      "Only its samples could be recovered: workload, policy and source are not known (shown as a model, without reclaim)",
    created_ms: nowMs,
    heartbeat_ms: nowMs,
  };
}
