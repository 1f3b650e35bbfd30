/**
 * The copies of a history that there are: those that were kept beside it before a migration or a restore, the backups
 * that people made wherever they wanted, other histories beside it. None is touched by being listed.
 */
import { readdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type Database from "better-sqlite3";
import { describeError } from "../engine/error.ts";
import { BadValueError, DamagedHistoryError, translate } from "./errors.ts";
import { confirmName, putInPlace, sizeOf, stemOf, syncFile, writeText } from "./files.ts";
import { checkHeader } from "./header.ts";
import { readRegular } from "./regular.ts";
import { MIGRATIONS } from "./schema.ts";
import { withSnapshot } from "./snapshot.ts";
import { untouched } from "./untouched.ts";

/** `migration`, `restore`: kept before one. `backup`: made by a person. `history`: another history in the same folder. */
export type CopyKind = "migration" | "restore" | "backup" | "history";

export interface Copy {
  readonly path: string;
  readonly kind: CopyKind;
  /** When it was last written, milliseconds since 1970. */
  readonly madeMs: number;
  readonly bytes: number;
  /** What is in it; null where it cannot be read, and `problem` says why. */
  readonly experiments: number | null;
  readonly runs: number | null;
  readonly problem: string | null;
}

/** So many backups are remembered; the oldest is forgotten. */
const REMEMBERED_MAX = 50;
/** So many copies are looked into: the newest. */
const LISTED_MAX = 100;

const listOf = (file: string): string => join(dirname(file), `${stemOf(file)}.backups.json`);

function remembered(file: string): string[] {
  try {
    const value: unknown = JSON.parse(readRegular(listOf(file)));
    return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

/** Remembers where a backup of the history went. Where that cannot be noted, the backup is there all the same. */
export function rememberBackup(file: string, backup: string): void {
  const path = resolve(backup);
  const paths = [path, ...remembered(file).filter((each) => each !== path)].slice(0, REMEMBERED_MAX);
  try {
    writeText(listOf(file), `${JSON.stringify(paths, null, 2)}\n`);
  } catch {
    // Nothing is lost but that it is offered by itself.
  }
}

function kindOf(file: string, name: string): CopyKind | null {
  if (!/\.sqlite$/.test(name) || name.startsWith(".") || name === basename(file)) return null;
  if (name.startsWith(`${stemOf(file)}.before-restore.`)) return "restore";
  if (name.startsWith(`${stemOf(file)}.before-v`)) return "migration";
  return "history";
}

/** What is there; nothing where it cannot be seen. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** How long one copy, and all of them together, are looked into. */
const ONE_MS_MAX = 2000;
const ALL_MS_MAX = 8000;

/** So much is copied of one that was left with its log; that takes no longer. */
const COPIED_BYTES_MAX = 256 * 1024 * 1024;

class TakesLong extends Error {}

/** How many rows a table has, by its numbers from the first: a tree that leads in circles has an end then, too. */
function count(db: Database.Database, table: "experiment" | "run", untilMs: number): number {
  let rows = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (const id of db.prepare<[], number>(`SELECT id FROM ${table} NOT INDEXED ORDER BY id`).pluck().iterate()) {
    if (id <= last) throw new DamagedHistoryError(db.name, `the rows of ${table} are not in order`);
    last = id;
    rows++;
    if (rows % 1024 === 0 && performance.now() > untilMs) throw new TakesLong("it takes long to look into");
  }
  return rows;
}

function look(path: string, kind: CopyKind, near: string, untilMs: number): Copy | null {
  const about = statOf(path);
  if (about === undefined || !about.isFile()) return null;
  const known = { path, kind, madeMs: Math.round(about.mtimeMs), bytes: about.size };
  try {
    const until = Math.min(untilMs, performance.now() + ONE_MS_MAX);
    if (performance.now() > until) throw new TakesLong("it was not looked into: those before it took long");
    checkHeader(path, MIGRATIONS.length);
    const counted = (db: Database.Database): Copy => ({
      ...known,
      experiments: count(db, "experiment", until),
      runs: count(db, "run", until),
      problem: null,
    });
    return untouched(path, near, counted, COPIED_BYTES_MAX);
  } catch (error) {
    return { ...known, experiments: null, runs: null, problem: describeError(translate(error, path)) };
  }
}

/** The copies of a history, the newest first. Those that are gone are left out. */
export function listCopies(file: string): Copy[] {
  const found = new Map<string, CopyKind>();
  for (const path of remembered(file)) found.set(path, "backup");
  let names: readonly string[] = [];
  try {
    names = readdirSync(dirname(file));
  } catch {
    // The folder is gone or closed to us: what is remembered cannot be read either, then.
  }
  for (const name of names) {
    const kind = kindOf(file, name);
    const path = join(dirname(file), name);
    if (kind !== null && !found.has(path)) found.set(path, kind);
  }
  const dated = [...found]
    .map(([path, kind]) => ({ path, kind, ms: statOf(path)?.mtimeMs }))
    .filter((each) => each.ms !== undefined)
    .sort((a, b) => Number(b.ms) - Number(a.ms));
  const until = performance.now() + ALL_MS_MAX;
  return dated
    .slice(0, LISTED_MAX)
    .map(({ path, kind }) => look(path, kind, file, until))
    .filter((each) => each !== null);
}

/** `history-2.sqlite`: the first name of its kind beside `file` that nobody uses. */
export function nextName(file: string, word = ""): string {
  const stem = stemOf(file).replace(/-\d+$/, "");
  for (let n = 2; ; n++) {
    const path = join(dirname(file), `${stem}${word === "" ? "" : `-${word}`}-${n}.sqlite`);
    if (sizeOf(path) === null) return path;
  }
}

/**
 * Makes a new history of a copy, which stays as it is. Throws the errors of errors.ts where the copy is no sound
 * history of this program, or `target` is there.
 */
export function copyTo(copy: string, target: string): void {
  const requireNew = (isNew: boolean): void => {
    if (!isNew)
      throw new BadValueError("A history made from a copy needs a new file", {
        where: target,
        why: "a file with that name exists",
        todo: "Choose another name",
      });
  };
  requireNew(sizeOf(target) === null);
  withSnapshot(copy, target, (snapshot) => {
    syncFile(snapshot);
    // Another process may have taken the name meanwhile.
    requireNew(putInPlace(snapshot, target));
    confirmName(target);
  });
}
