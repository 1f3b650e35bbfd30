/** The open history that every part of the store works on, and the one way to read and to write it. */
import type Database from "better-sqlite3";
import {
  DamagedHistoryError,
  ForeignFileError,
  HistoryError,
  HistoryFullError,
  NewerHistoryError,
  translate,
} from "./errors.ts";
import type { Owner } from "./owner.ts";
import type { StoredRun } from "./records.ts";
import { type RunRow, rememberingRuns } from "./rows.ts";

export interface Connection {
  readonly db: Database.Database;
  readonly file: string;
  /** Schema version that this program writes. */
  readonly version: number;
  readonly now: () => number;
  readonly owner: Owner;
  /** Runs as they are stored; those of a list that are as they were are not read again. */
  readonly toRuns: (rows: readonly RunRow[]) => StoredRun[];
  /** A prepared statement, made once. */
  prepare<B extends unknown[], R>(sql: string): Database.Statement<B, R>;
  /** Throws what `body` throws as the errors of errors.ts. */
  named<T>(body: () => T): T;
  /** The file is damaged, as some call found out. */
  damaged(error: HistoryError): void;
  /** One consistent look at the history: nothing that another process writes shows up half-way. */
  read<T>(body: () => T): T;
  /**
   * One transaction that waits for other writers and is all or nothing. `durable`: on the disk when it returns, also
   * should the machine lose power; otherwise only a killed process is survived.
   */
  write<T>(body: () => T, durable?: "durable"): T;
}

const STATEMENTS_MAX = 200;

export function connection(
  db: Database.Database,
  file: string,
  version: number,
  now: () => number,
  owner: Owner,
  onDamage: (error: HistoryError) => void = () => {},
): Connection {
  let told = false;

  function damaged(error: HistoryError): void {
    if (told) return;
    told = true;
    onDamage(error);
  }

  function named<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      const translated = translate(error, file);
      // Of this file: what is wrong with another that is read meanwhile has that one's name.
      const isDamage = translated instanceof DamagedHistoryError || translated instanceof ForeignFileError;
      if (isDamage && translated.where === file) damaged(translated);
      throw translated;
    }
  }

  const statements = new Map<string, Database.Statement>();

  function prepare<B extends unknown[], R>(sql: string): Database.Statement<B, R> {
    let statement = statements.get(sql);
    if (!statement) {
      if (statements.size >= STATEMENTS_MAX) statements.clear();
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement as unknown as Database.Statement<B, R>;
  }

  const within = <T>(begin: string, body: () => T): T => named(() => transaction(begin, body));

  function transaction<T>(begin: string, body: () => T): T {
    if (!db.open) throw new HistoryError("The history is closed", { where: file, todo: "Open it again" });
    if (db.inTransaction) return body();
    try {
      prepare(begin).run();
      // Another process may have brought the file to a newer schema since it was opened.
      const found = prepare<[], number>("PRAGMA user_version").pluck().get() ?? 0;
      if (found !== version) throw new NewerHistoryError(file, found, version);
      const result = body();
      prepare("COMMIT").run();
      return result;
    } catch (error) {
      try {
        if (db.inTransaction) prepare("ROLLBACK").run();
      } catch {
        // What went wrong first is what is told; a transaction that cannot be undone now is by whoever opens the file next.
      }
      throw error;
    }
  }

  /** On a full disk once more, after the log's pages went to the file: that gives back the log's own room. */
  function orWithRoom<T>(body: () => T): T {
    try {
      return within("BEGIN IMMEDIATE", body);
    } catch (error) {
      if (!(error instanceof HistoryFullError) || db.inTransaction) throw error;
      try {
        db.pragma("wal_checkpoint(TRUNCATE)");
      } catch {
        throw error;
      }
      return within("BEGIN IMMEDIATE", body);
    }
  }

  return {
    db,
    file,
    version,
    now,
    owner,
    toRuns: rememberingRuns(),
    prepare,
    named,
    damaged,
    read: (body) => within("BEGIN", body),
    write: (body, durable) => {
      if (!durable || db.inTransaction || !db.open) return orWithRoom(body);
      db.pragma("synchronous = FULL");
      try {
        return orWithRoom(body);
      } finally {
        db.pragma("synchronous = NORMAL");
      }
    },
  };
}
