/** Experiments: make, read, describe, and the way through the trash. */
import { randomUUID } from "node:crypto";
import { comparePolicies } from "../engine/experiment/compare-runs.ts";
import { mostOf } from "../engine/experiment/extremes.ts";
import { notesProblem, TAG_MAX, tagsProblem, titleProblem } from "../engine/experiment/text-limits.ts";
import type { Connection } from "./connection.ts";
import { BadValueError, NotFoundError, StateError, translate } from "./errors.ts";
import type { Description, Json, NewExperiment, StoredExperiment } from "./records.ts";
import {
  EXPERIMENT_COLUMNS,
  type ExperimentRow,
  jsonOrNull,
  RUN_COLUMNS,
  type RunRow,
  toExperiment,
  toRun,
} from "./rows.ts";
import { searchText } from "./search.ts";

/** Stores a new experiment without runs. */
export function createExperiment(c: Connection, spec: NewExperiment): StoredExperiment {
  return c.write(() => {
    const now = c.now();
    const { lastInsertRowid } = c
      .prepare(
        `INSERT INTO experiment (uid, kind, title, workload_kind, workload, params, seed, levels, notes, detail,
          created_ms, updated_ms, search) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')`,
      )
      .run(
        randomUUID(),
        spec.kind ?? "workload",
        checkTitle(spec.title),
        spec.workloadKind,
        spec.workload,
        JSON.stringify(spec.params),
        spec.seed,
        spec.levels,
        spec.notes ?? "",
        jsonOrNull(spec.detail),
        now,
        now,
      );
    const id = Number(lastInsertRowid);
    putTags(c, id, spec.tags ?? []);
    refreshSearch(c, id);
    return getExperiment(c, id);
  });
}

/** Throws NotFoundError. */
export function getExperiment(c: Connection, id: number): StoredExperiment {
  return c.read(() => {
    const [found] = experimentsOf(c, [id]);
    if (!found) throw new NotFoundError("experiment", id);
    return found;
  });
}

/** The experiments with these ids, in this order; ids that are not there are left out. `columns`: all of each, or what a list has. */
export function experimentsOf(c: Connection, ids: readonly number[], columns = EXPERIMENT_COLUMNS): StoredExperiment[] {
  const list = JSON.stringify(ids);
  const rows = c
    .prepare<[string], ExperimentRow>(`SELECT ${columns} FROM experiment WHERE id IN (SELECT value FROM json_each(?))`)
    .all(list);
  const tags = Map.groupBy(
    c
      .prepare<[string], { experiment_id: number; name: string }>(
        `SELECT experiment_id, substr(name, 1, ${TAG_MAX + 1}) AS name FROM tag
         WHERE experiment_id IN (SELECT value FROM json_each(?)) ORDER BY experiment_id, name`,
      )
      .all(list),
    (tag) => tag.experiment_id,
  );
  const runs = Map.groupBy(
    c.toRuns(
      c
        .prepare<[string], RunRow>(
          `SELECT ${RUN_COLUMNS} FROM run WHERE experiment_id IN (SELECT value FROM json_each(?))
           AND id BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER} ORDER BY id`,
        )
        .all(list),
    ),
    (run) => run.experimentId,
  );
  const found = new Map(
    rows.map((row) => [
      row.id,
      toExperiment(
        row,
        (tags.get(row.id) ?? []).map((tag) => tag.name),
        runs.get(row.id) ?? [],
      ),
    ]),
  );
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** The newest so many experiments that run a file of this content, the oldest first; none of the trash. */
export function experimentsOfFile(c: Connection, sha256: string, most: number): StoredExperiment[] {
  return c.read(() => {
    const ids = c
      .prepare<[string, number], number>(
        `SELECT id FROM experiment WHERE workload_kind = 'file' AND trashed_ms IS NULL
         AND id BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER} AND detail ->> '$.file.sha256' = ? ORDER BY id DESC LIMIT ?`,
      )
      .pluck()
      .all(sha256, most);
    return experimentsOf(c, ids.reverse());
  });
}

/** Changes title, tags, notes, pin, archive, detail; what is absent stays. */
export function describeExperiment(c: Connection, id: number, change: Description): StoredExperiment {
  return c.write(() => {
    const now = c.now();
    const set = (assignment: string, ...values: (string | number | null)[]) => {
      const { changes } = c
        .prepare(`UPDATE experiment SET updated_ms = ?, ${assignment} WHERE id = ?`)
        .run(now, ...values, id);
      if (changes === 0) throw new NotFoundError("experiment", id);
    };
    if (change.title !== undefined) set("title = ?", checkTitle(change.title));
    if (change.notes !== undefined) set("notes = ?", checkNotes(change.notes));
    if (change.pinned !== undefined) set("pinned = ?", change.pinned ? 1 : 0);
    if (change.archived !== undefined) set("archived_ms = ?", change.archived ? now : null);
    if (change.detail !== undefined) set("detail = ?", jsonOrNull(change.detail satisfies Json));
    if (change.tags !== undefined) {
      set("id = id");
      c.prepare("DELETE FROM tag WHERE experiment_id = ?").run(id);
      putTags(c, id, change.tags);
    }
    refreshSearch(c, id);
    return getExperiment(c, id);
  });
}

function checkTitle(title: string): string {
  const problem = titleProblem(title);
  if (problem !== null)
    throw new BadValueError("An experiment cannot have this title", { where: "title", why: problem });
  return title.trim();
}

function checkNotes(notes: string): string {
  const problem = notesProblem(notes);
  if (problem !== null)
    throw new BadValueError("An experiment cannot have these notes", { where: "notes", why: problem });
  return notes;
}

function putTags(c: Connection, id: number, tags: readonly string[]): void {
  const problem = tagsProblem(tags);
  if (problem !== null)
    throw new BadValueError("An experiment cannot have these tags", { where: "tags", why: problem });
  const insert = c.prepare("INSERT OR IGNORE INTO tag (experiment_id, name) VALUES (?, ?)");
  for (const tag of tags) insert.run(id, tag.trim());
}

/** Brings what a search looks at in line with the experiment. */
export function refreshSearch(c: Connection, id: number): void {
  const row = c.prepare<[number], ExperimentRow>(`SELECT ${EXPERIMENT_COLUMNS} FROM experiment WHERE id = ?`).get(id);
  if (!row) return;
  const experiment = toExperiment(row, [], []);
  const tags = c.prepare<[number], string>("SELECT name FROM tag WHERE experiment_id = ?").pluck().all(id);
  c.prepare("UPDATE experiment SET search = ? WHERE id = ?").run(searchText(experiment, tags), id);
}

/** Brings an experiment's status and peak in line with its runs, and, where runs (of this label, or all) have ended, its saving. */
export function refreshHeadline(c: Connection, id: number, ended?: { readonly label: string } | "all"): void {
  c.prepare(
    `UPDATE experiment SET
      status = coalesce((SELECT status FROM run WHERE experiment_id = experiment.id
        ORDER BY instr('running queued failed interrupted cancelled done', status) LIMIT 1), 'queued'),
      peak_kb = (SELECT max(CASE WHEN typeof(kb) IN ('integer', 'real') THEN kb END) FROM
        (SELECT CASE WHEN json_valid(summary) THEN summary ->> '$.peak.vmpte_kb' END AS kb FROM run
          WHERE experiment_id = experiment.id))
    WHERE id = ?`,
  ).run(id);
  if (ended === undefined) return;
  const labels =
    ended === "all"
      ? c.prepare<[number], string>("SELECT DISTINCT label FROM run WHERE experiment_id = ?").pluck().all(id)
      : [ended.label];
  for (const label of labels) refreshSaving(c, id, label);
}

/** The most kB that a policy saves against the baseline: of an experiment, or of the best point of a sweep. */
function refreshSaving(c: Connection, id: number, label: string): void {
  const runs = c
    .prepare<[number, string], RunRow>(
      `SELECT ${RUN_COLUMNS} FROM run WHERE experiment_id = ? AND label = ? AND summary IS NOT NULL ORDER BY id`,
    )
    .all(id, label)
    .map(toRun);
  const savings = comparePolicies(runs, undefined, [])?.runs.flatMap(({ saving }) => saving ?? []) ?? [];
  if (savings.length === 0) return;
  const best = mostOf(savings.map(({ kb, baselineKb }) => baselineKb - kb));
  c.prepare("UPDATE experiment SET saving_kb = max(coalesce(saving_kb, ?), ?) WHERE id = ?").run(best, best, id);
}

/** Puts experiments in the trash. Those with a run under way cannot go. Gives how many were moved. */
export function trash(c: Connection, ids: readonly number[]): number {
  return c.write(() => {
    refuseUnfinished(c, ids, "put in the trash");
    return c
      .prepare(
        "UPDATE experiment SET trashed_ms = ? WHERE trashed_ms IS NULL AND id IN (SELECT value FROM json_each(?))",
      )
      .run(c.now(), JSON.stringify(ids)).changes;
  }, "durable");
}

/** Back from the trash. Gives how many were moved. */
export function untrash(c: Connection, ids: readonly number[]): number {
  return c.write(
    () =>
      c
        .prepare(
          "UPDATE experiment SET trashed_ms = NULL WHERE trashed_ms IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
        )
        .run(JSON.stringify(ids)).changes,
    "durable",
  );
}

/** Removes for good what is in the trash: these, or all that was put there before `before`. Gives how many went. */
export function purge(c: Connection, what: { ids: readonly number[] } | { before: number }): number {
  const count = c.write(() => {
    const ids =
      "ids" in what
        ? what.ids
        : c.prepare<[number], number>("SELECT id FROM experiment WHERE trashed_ms < ?").pluck().all(what.before);
    refuseUnfinished(c, ids, "removed");
    return c
      .prepare("DELETE FROM experiment WHERE trashed_ms IS NOT NULL AND id IN (SELECT value FROM json_each(?))")
      .run(JSON.stringify(ids)).changes;
  }, "durable");
  // Gives the room back to the file system, a bounded part at a time.
  try {
    if (count > 0) c.db.pragma("incremental_vacuum(25600)");
  } catch (error) {
    throw translate(error, c.file);
  }
  return count;
}

function refuseUnfinished(c: Connection, ids: readonly number[], verb: string): void {
  const busy = c
    .prepare<[string], number>(
      "SELECT experiment_id FROM run WHERE status IN ('queued', 'running') AND experiment_id IN (SELECT value FROM json_each(?)) LIMIT 1",
    )
    .pluck()
    .get(JSON.stringify(ids));
  if (busy !== undefined)
    throw new StateError(`Experiment ${busy} cannot be ${verb}`, {
      why: "one of its runs is in progress",
      todo: "Cancel it first",
    });
}
