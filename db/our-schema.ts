/**
 * Whether a file's tables are the ones that this program makes. Looked at before anything is asked of them: a table that
 * somebody put a view in the place of, or a trigger on, would run what they wrote.
 */
import Database from "better-sqlite3";
import { AlteredHistoryError, DamagedHistoryError, NewerHistoryError } from "./errors.ts";
import type { Migration } from "./schema.ts";

interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly sql: string | null;
}

const ALL = "SELECT type, name, tbl_name, sql FROM sqlite_schema";

/** What SQLite's own ANALYZE leaves; it is asked about nothing else than how many rows there are. */
const STATISTICS = new Set([
  "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
  "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
]);

const expectedOf = new WeakMap<readonly Migration[], Map<number, ReadonlyMap<string, SchemaObject>>>();

const keyOf = ({ type, name }: SchemaObject): string => `${type} ${name}`;

/** The objects of a file that went through the migrations up to `version`, made in memory by just these. */
function expected(migrations: readonly Migration[], version: number): ReadonlyMap<string, SchemaObject> {
  const made = expectedOf.get(migrations) ?? new Map<number, ReadonlyMap<string, SchemaObject>>();
  expectedOf.set(migrations, made);
  const known = made.get(version);
  if (known !== undefined) return known;
  const db = new Database(":memory:");
  try {
    for (const { sql } of migrations.slice(0, version)) db.exec(sql);
    const objects = db.prepare<[], SchemaObject>(ALL).all();
    const map = new Map(objects.map((object) => [keyOf(object), object]));
    made.set(version, map);
    return map;
  } finally {
    db.close();
  }
}

const shown = ({ type, name }: SchemaObject): string => `${type} “${name.slice(0, 60)}”`;

function isSame(one: SchemaObject, other: SchemaObject): boolean {
  return one.tbl_name === other.tbl_name && one.sql === other.sql;
}

/** The schema version that a file says it is of. Throws NewerHistoryError where this program does not know it. */
function versionOf(db: Database.Database, file: string, latest: number): number {
  const found: unknown = db.pragma("user_version", { simple: true });
  const version = typeof found === "number" ? found : 0;
  if (version > latest) throw new NewerHistoryError(file, version, latest);
  if (version < 1) throw new DamagedHistoryError(file, "its tables are missing");
  return version;
}

/** How a file's schema differs from our own of its version, in words; null where it does not. */
export function schemaProblem(db: Database.Database, file: string, migrations: readonly Migration[]): string | null {
  const ours = expected(migrations, versionOf(db, file, migrations.length));
  const seen = new Set<string>();
  for (const object of db.prepare<[], SchemaObject>(ALL).iterate()) {
    if (object.sql !== null && STATISTICS.has(object.sql)) continue;
    const mine = ours.get(keyOf(object));
    if (mine === undefined) return `it has a ${shown(object)}, which is not ours`;
    if (!isSame(object, mine)) return `its ${shown(object)} differs from ours`;
    if (seen.has(keyOf(object))) return `it has two of ${shown(object)}`;
    seen.add(keyOf(object));
  }
  for (const [key, object] of ours) if (!seen.has(key)) return `its ${shown(object)} is missing`;
  return null;
}

/** Numbers that JavaScript has exactly; one beyond them would leave no number for the next experiment. */
export const SEQUENCE_MAX = Number.MAX_SAFE_INTEGER - 1_000_000_000;

/** Throws AlteredHistoryError unless the file's schema is our own of its version; asks nothing of its tables. */
export function requireOurSchema(db: Database.Database, file: string, migrations: readonly Migration[]): void {
  const problem = schemaProblem(db, file, migrations);
  if (problem !== null) throw new AlteredHistoryError(file, problem);
}

/**
 * Throws AlteredHistoryError where no number is left for the next experiment or run: SQLite counts on from what it noted
 * and from the highest number that there is, whichever is more. After the file was found sound.
 */
export function requireNumbers(db: Database.Database, file: string): void {
  const beyond = db
    .prepare<[number, number, number], string>(
      `SELECT name FROM sqlite_sequence WHERE typeof(seq) <> 'integer' OR seq NOT BETWEEN 0 AND ?
       UNION ALL SELECT 'experiment' FROM (SELECT max(id) AS last FROM experiment) WHERE last > ?
       UNION ALL SELECT 'run' FROM (SELECT max(id) AS last FROM run) WHERE last > ? LIMIT 1`,
    )
    .pluck()
    .get(SEQUENCE_MAX, SEQUENCE_MAX, SEQUENCE_MAX);
  if (beyond !== undefined)
    throw new AlteredHistoryError(file, `its numbering of table “${String(beyond).slice(0, 60)}” is used up`);
}

/** Is this table of the file, by itself, the one that some version of ours makes? For reading what is left of a damaged file. */
export function isOurTable(db: Database.Database, name: string, migrations: readonly Migration[]): boolean {
  const found = db.prepare<[string], SchemaObject>(`${ALL} WHERE name = ? COLLATE NOCASE LIMIT 2`).all(name);
  const [object] = found;
  if (found.length !== 1 || object === undefined || object.type !== "table") return false;
  return migrations.some(({ version }) => {
    const mine = expected(migrations, version).get(keyOf(object));
    return mine !== undefined && isSame(object, mine);
  });
}
