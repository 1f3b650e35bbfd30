/** Brings a history to the newest schema: all or nothing, with a copy of the file kept beforehand. */
import { basename } from "node:path";
import Database from "better-sqlite3";
import { DamagedHistoryError, MigrationLedgerError, NewerHistoryError } from "./errors.ts";
import { copyName, makeOwn, publish, removeDatabase, sizeOf } from "./files.ts";
import { requireFiles } from "./header.ts";
import { orphansOf } from "./orphans.ts";
import { checksumOf, type Migration } from "./schema.ts";
import { temporaryBeside } from "./temporaries.ts";

export function userVersion(db: Database.Database): number {
  const version: unknown = db.pragma("user_version", { simple: true });
  return typeof version === "number" ? version : 0;
}

/** Throws when the ledger in the file is not a beginning of the migrations that are known. */
export function checkLedger(db: Database.Database, file: string, migrations: readonly Migration[]): void {
  const version = userVersion(db);
  const latest = migrations.length;
  if (version > latest) throw new NewerHistoryError(file, version, latest);
  const rows = db
    .prepare<[number], { version: number; name: string; checksum: string }>(
      "SELECT version, name, checksum FROM migration ORDER BY version LIMIT ?",
    )
    .all(latest + 1);
  if (rows.length !== version)
    throw new MigrationLedgerError(file, `its version is ${version}, its ledger has ${rows.length} entries`);
  for (const [i, migration] of migrations.slice(0, version).entries()) {
    const row = rows[i];
    if (row?.version !== migration.version || row.name !== migration.name || row.checksum !== checksumOf(migration))
      throw new MigrationLedgerError(
        file,
        `migration ${i + 1} is "${row?.name}" there and "${migration.name}" here, or its text differs`,
      );
  }
}

/** Applies migrations after `from`. Inside a transaction; the ledger and user_version go with it. */
export function applyMigrations(
  db: Database.Database,
  migrations: readonly Migration[],
  from: number,
  nowMs: number,
  copy: string | null,
): void {
  for (const migration of migrations.slice(from)) {
    db.exec(migration.sql);
    db.prepare("INSERT INTO migration (version, name, checksum, applied_ms, copy) VALUES (?, ?, ?, ?, ?)").run(
      migration.version,
      migration.name,
      checksumOf(migration),
      nowMs,
      copy,
    );
    db.pragma(`user_version = ${migration.version}`);
  }
}

/** The first that is free: who migrates has the writer's lock. */
function freeName(file: string, version: number, nowMs: number): string {
  for (let n = 1; ; n++) {
    const name = copyName(file, `v${version}`, nowMs, n);
    if (sizeOf(name) === null) return name;
  }
}

/** A whole copy of the committed state, through a connection of its own; the writer's lock may be held meanwhile. */
function copyTo(file: string, target: string): void {
  const temporary = temporaryBeside(target);
  requireFiles(file);
  const reader = new Database(file, { readonly: true, fileMustExist: true });
  try {
    makeOwn(temporary);
    reader.prepare("VACUUM INTO ?").run(temporary);
    publish(temporary, target);
  } finally {
    reader.close();
    removeDatabase(temporary);
  }
}

/**
 * Migrates an opened history. Another process that migrates the same file at the same time waits, then finds nothing
 * left to do. Returns the path of the copy, null where none was made.
 */
export function migrate(
  db: Database.Database,
  file: string,
  migrations: readonly Migration[],
  nowMs: number,
  keepCopy = true,
): string | null {
  const latest = migrations.length;
  if (userVersion(db) === latest) return null;
  db.pragma("foreign_keys = OFF");
  db.exec("BEGIN IMMEDIATE");
  try {
    const from = userVersion(db);
    if (from > latest) throw new NewerHistoryError(file, from, latest);
    let copy: string | null = null;
    if (from < latest) {
      copy = keepCopy ? freeName(file, latest, nowMs) : null;
      if (copy !== null) copyTo(file, copy);
      applyMigrations(db, migrations, from, nowMs, copy === null ? null : basename(copy));
      const [orphan] = orphansOf(db, 1);
      if (orphan !== undefined) throw new DamagedHistoryError(file, orphan);
    }
    db.exec("COMMIT");
    // The header of the file itself then says which version it is, also to a program that reads no log.
    db.pragma("wal_checkpoint(TRUNCATE)");
    return copy;
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK");
    throw error;
  } finally {
    db.pragma("foreign_keys = ON");
  }
}
