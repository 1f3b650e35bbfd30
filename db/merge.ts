/** Takes over what another history has: all of it (restore), or what is not here yet (merge). */
import { backupTo } from "./backup.ts";
import type { Connection } from "./connection.ts";
import { HistoryError, StateError, translate } from "./errors.ts";
import { refreshHeadline, refreshSearch } from "./experiments.ts";
import { confirmName, copyName, putInPlace, removeIfPossible, syncFile } from "./files.ts";
import { requireNumbers } from "./our-schema.ts";
import { withSnapshot } from "./snapshot.ts";

export interface Merged {
  /** Experiments and runs that were added. */
  readonly experiments: number;
  readonly runs: number;
  readonly samples: number;
  /** Experiments of the other history that were here already. */
  readonly known: number;
}

function columnsOf(c: Connection, table: string, without: readonly string[]): string {
  return c.db
    .prepare<[string], string>("SELECT name FROM pragma_table_info(?)")
    .pluck()
    .all(table)
    .filter((name) => !without.includes(name))
    .join(", ");
}

/** Lets go of the other history, as far as that can be done: what was stored is stored in any case. */
function detach(c: Connection): void {
  try {
    c.db.exec("DETACH other");
  } catch {
    // The next one that attaches tries again.
  }
}

function attached<T>(c: Connection, copy: string, body: () => T): T {
  if ((c.db.pragma("database_list") as { name: string }[]).some(({ name }) => name === "other")) detach(c);
  c.named(() => c.db.prepare("ATTACH ? AS other").run(copy));
  try {
    return c.write(body, "durable");
  } finally {
    detach(c);
  }
}

/** Makes anew what the store keeps up of an experiment: in another history it may say anything. */
function remake(c: Connection, id: number): void {
  c.prepare("UPDATE main.experiment SET saving_kb = NULL WHERE id = ?").run(id);
  refreshHeadline(c, id, "all");
  refreshSearch(c, id);
}

/**
 * Adds the experiments and runs of another history that are not in this one; what is in both (by uid) stays as it is
 * here. The other file is not touched. All or nothing.
 */
export function mergeFrom(c: Connection, file: string): Merged {
  return withSnapshot(file, c.file, (copy) =>
    attached(c, copy, () => {
      const run = (sql: string) => c.db.prepare(sql).run().changes;
      const known = c.db
        .prepare<[], number>("SELECT count(*) FROM other.experiment WHERE uid IN (SELECT uid FROM main.experiment)")
        .pluck()
        .get();
      c.db.exec(`CREATE TEMP TABLE added AS SELECT id, uid FROM other.run WHERE uid NOT IN (SELECT uid FROM main.run);
        CREATE TEMP TABLE newcomer AS SELECT id, uid FROM other.experiment WHERE uid NOT IN (SELECT uid FROM main.experiment);`);
      const experiment = columnsOf(c, "experiment", ["id"]);
      const experiments = run(
        `INSERT INTO main.experiment (${experiment}) SELECT ${experiment} FROM other.experiment
         WHERE id IN (SELECT id FROM temp.newcomer) ORDER BY id`,
      );
      run(`INSERT INTO main.tag (experiment_id, name) SELECT mine.id, theirs.name FROM other.tag AS theirs
        JOIN temp.newcomer ON newcomer.id = theirs.experiment_id JOIN main.experiment AS mine ON mine.uid = newcomer.uid`);
      const columns = columnsOf(c, "run", ["id", "experiment_id"]);
      const theirs = columns.replace(/\w+/g, "theirs.$&");
      const runs = run(
        `INSERT INTO main.run (experiment_id, ${columns}) SELECT mine.id, ${theirs} FROM other.run AS theirs
         JOIN other.experiment AS e ON e.id = theirs.experiment_id JOIN main.experiment AS mine ON mine.uid = e.uid
         WHERE theirs.id IN (SELECT id FROM temp.added) ORDER BY theirs.id`,
      );
      const sample = columnsOf(c, "sample", ["run_id"]);
      const samples = run(
        `INSERT INTO main.sample (run_id, ${sample}) SELECT mine.id, ${sample.replace(/\w+/g, "theirs.$&")}
         FROM temp.added JOIN main.run AS mine ON mine.uid = added.uid
         JOIN other.sample AS theirs ON theirs.run_id = added.id`,
      );
      const touched = c.db
        .prepare<[], number>(
          "SELECT DISTINCT experiment_id FROM main.run WHERE uid IN (SELECT uid FROM temp.added) ORDER BY 1",
        )
        .pluck()
        .all();
      const newcomers = c.db
        .prepare<[], number>("SELECT id FROM main.experiment WHERE uid IN (SELECT uid FROM temp.newcomer) ORDER BY 1")
        .pluck()
        .all();
      for (const id of touched) refreshHeadline(c, id, "all");
      for (const id of newcomers) remake(c, id);
      c.db.exec("DROP TABLE temp.added; DROP TABLE temp.newcomer;");
      return { experiments, runs, samples, known: known ?? 0 };
    }),
  );
}

/** Another program wrote to the history after it was copied: what it wrote is not in the copy. */
class ChangedMeanwhile extends Error {}
const RESTORE_TRIES_MAX = 5;

/** Changes with every change of the history, whoever makes it. */
function stateOf(c: Connection): string {
  const others = c.db.pragma("main.data_version", { simple: true });
  return `${others} ${c.db.prepare("SELECT total_changes()").pluck().get()}`;
}

/**
 * Makes this history what a backup is; what it was is kept as a copy beside it, whose path is returned. The backup is
 * not touched. Refused while runs are under way, here or in another process. All or nothing.
 */
export async function restoreFrom(c: Connection, backup: string): Promise<string> {
  c.named(() => refuseBusy(c));
  for (let tries = 1; ; tries++) {
    try {
      return await replace(c, backup);
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile)) throw error;
      if (tries === RESTORE_TRIES_MAX)
        throw new StateError("The history cannot be replaced", {
          where: c.file,
          why: "another program keeps writing to it",
          todo: "Wait until it is done, then try again",
        });
    }
  }
}

function refuseBusy(c: Connection): void {
  const busy = c.db.prepare("SELECT 1 FROM main.run WHERE status IN ('queued', 'running') LIMIT 1").get();
  if (busy !== undefined)
    throw new StateError("The history cannot be replaced", {
      where: c.file,
      why: "a run is in progress",
      todo: "Cancel it or wait until it is done",
    });
}

async function replace(c: Connection, backup: string): Promise<string> {
  const before = c.named(() => stateOf(c));
  const kept = await keepCopy(c);
  /** From then on nobody knows what is on the disk until it is read again, whatever COMMIT says. */
  let committing = false;
  try {
    withSnapshot(backup, c.file, (copy) =>
      attached(c, copy, () => {
        refuseBusy(c);
        if (stateOf(c) !== before) throw new ChangedMeanwhile();
        // Deleting an experiment deletes its runs, samples and tags.
        c.db.exec("DELETE FROM main.experiment; DELETE FROM main.setting;");
        for (const table of ["setting", "experiment", "tag", "run", "sample"]) {
          const columns = columnsOf(c, table, []);
          c.db.exec(`INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM other.${table}`);
        }
        // Rows were given their numbers by name: the next one must find one that is left.
        requireNumbers(c.db, backup);
        for (const id of c.db.prepare<[], number>("SELECT id FROM main.experiment ORDER BY 1").pluck().all())
          remake(c, id);
        committing = true;
      }),
    );
  } catch (error) {
    // Nothing was replaced, so there is nothing to keep.
    if (!committing) removeIfPossible(kept);
    throw committing ? withKept(error, c.file, kept) : error;
  }
  return kept;
}

/** The error with what a reader needs most: where the history is that was to be replaced. */
function withKept(error: unknown, file: string, kept: string): unknown {
  const named = translate(error, file);
  if (!(named instanceof HistoryError)) return named;
  return new HistoryError(named.message, {
    where: named.where,
    why: named.why,
    todo: `The old history is kept in ${kept}. ${named.todo ?? "Open it again"}`,
    cause: error,
  });
}

/** A copy of the history beside it, under a name that nothing has and no other process takes. */
async function keepCopy(c: Connection): Promise<string> {
  const madeMs = c.now();
  const name = (n: number) => copyName(c.file, "restore", madeMs, n);
  let kept = name(1);
  await backupTo(c, kept, undefined, (temporary) => {
    syncFile(temporary);
    for (let n = 2; !putInPlace(temporary, kept); n++) kept = name(n);
    confirmName(kept);
  });
  return kept;
}
