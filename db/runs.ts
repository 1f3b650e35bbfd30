/** Runs: a run belongs to the living process that makes it, until it is finished or its process is found dead. */
import { randomUUID } from "node:crypto";
import { policyOf } from "../engine/experiment/policies.ts";
import type { RunSummary } from "../engine/experiment/types.ts";
import type { Connection } from "./connection.ts";
import { HistoryError, NotFoundError, StateError, translate } from "./errors.ts";
import { getExperiment, refreshHeadline } from "./experiments.ts";
import { isAlive, parseOwner } from "./owner.ts";
import type { NewRun, RunEnding, StoredRun } from "./records.ts";
import { jsonOrNull, RUN_COLUMNS, type RunRow, toRun } from "./rows.ts";
import { insertSamples, sparklineOf } from "./samples.ts";
import { summaryOf } from "./summary.ts";

const UNFINISHED = "status IN ('queued', 'running')";
/** Runs whose number JavaScript has exactly; no other was ever made by a store. */
const NUMBERED = `id BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER}`;

/** Stores runs of an experiment as running (or queued), owned by this store; all of them or none. */
export function startRuns(c: Connection, experimentId: number, specs: readonly NewRun[]): StoredRun[] {
  return c.write(() => {
    const experiment = getExperiment(c, experimentId);
    const now = c.now();
    const insert = c.prepare(
      `INSERT INTO run (uid, experiment_id, label, source, mode, policy_version, params, seed, engine_version, facts, kernel_profile, status,
        created_ms, started_ms, heartbeat_ms, owner, operations_total, detail)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const ids = specs.map((spec) => {
      const status = spec.status ?? "running";
      const { lastInsertRowid } = insert.run(
        randomUUID(),
        experimentId,
        spec.label ?? "",
        spec.source,
        spec.mode,
        policyOf(spec.mode).version,
        JSON.stringify(spec.params ?? experiment.params),
        spec.seed ?? experiment.seed,
        spec.facts.engineVersion,
        JSON.stringify(spec.facts),
        jsonOrNull(spec.kernelProfile),
        status,
        now,
        status === "running" ? now : null,
        now,
        JSON.stringify(c.owner),
        spec.operationsTotal ?? null,
        jsonOrNull(spec.detail),
      );
      return Number(lastInsertRowid);
    });
    refreshHeadline(c, experimentId);
    return ids.map((id) => getRun(c, id));
  });
}

/** Throws NotFoundError. */
export function getRun(c: Connection, id: number): StoredRun {
  return c.read(() => {
    const row = c.prepare<[number], RunRow>(`SELECT ${RUN_COLUMNS} FROM run WHERE id = ?`).get(id);
    if (!row) throw new NotFoundError("run", id);
    return toRun(row);
  });
}

function requireUnfinished(c: Connection, id: number, verb: string): StoredRun {
  const run = getRun(c, id);
  if (run.status !== "queued" && run.status !== "running")
    throw new StateError(`Run ${id} cannot be ${verb}`, {
      why: `it is ${run.status} already`,
      todo: "Run the experiment again",
    });
  return run;
}

/** A queued run begins. */
export function beginRun(c: Connection, id: number): StoredRun {
  return c.write(() => {
    const run = requireUnfinished(c, id, "begun");
    const now = c.now();
    c.prepare(
      "UPDATE run SET status = 'running', started_ms = coalesce(started_ms, ?), heartbeat_ms = ?, owner = ? WHERE id = ?",
    ).run(now, now, JSON.stringify(c.owner), id);
    refreshHeadline(c, run.experimentId);
    return getRun(c, id);
  });
}

/**
 * Stores a batch of samples of a run under way, all or nothing: packed rows in the order of SAMPLE_COLUMNS, NaN where
 * unknown, `seq` going on from the last batch. `summary`: of the samples so far.
 */
export function appendSamples(c: Connection, runId: number, rows: Float64Array, summary?: RunSummary): void {
  c.write(() => {
    const state = c.prepare<[number], string>("SELECT status FROM run WHERE id = ?").pluck().get(runId);
    if (state !== "running") {
      requireUnfinished(c, runId, "given samples");
      throw new StateError(`Run ${runId} cannot be given samples`, { why: "it is queued", todo: "Begin it first" });
    }
    const { count, operations } = insertSamples(c, runId, rows);
    c.prepare(
      `UPDATE run SET sample_count = sample_count + ?, operations = max(operations, ?), heartbeat_ms = ?,
        summary = coalesce(?, summary) WHERE id = ?`,
    ).run(count, operations, c.now(), summary === undefined ? null : JSON.stringify(summary), runId);
  });
}

/** Ends a run. Its samples stay; on the disk when this returns. */
export function finishRun(c: Connection, runId: number, ending: RunEnding): StoredRun {
  return c.write(() => {
    const run = requireUnfinished(c, runId, "ended");
    end(c, run, ending, c.now());
    return getRun(c, runId);
  }, "durable");
}

/** Ends runs that have not begun as cancelled, all of them or none; on the disk when this returns. Gives those that it ended. */
export function cancelQueued(c: Connection, ids: readonly number[]): number[] {
  return c.write(() => {
    const found = c
      .prepare<[string], { id: number; experiment_id: number }>(
        "SELECT id, experiment_id FROM run WHERE status = 'queued' AND id IN (SELECT value FROM json_each(?))",
      )
      .all(JSON.stringify(ids));
    c.prepare(
      `UPDATE run SET status = 'cancelled', reason = NULL, finished_ms = ?, owner = NULL, sparkline = '[]'
       WHERE id IN (SELECT value FROM json_each(?))`,
    ).run(c.now(), JSON.stringify(found.map(({ id }) => id)));
    for (const id of new Set(found.map((run) => run.experiment_id))) refreshHeadline(c, id);
    return found.map(({ id }) => id);
  }, "durable");
}

function end(c: Connection, run: StoredRun, ending: RunEnding, endedMs: number): void {
  const summary = ending.summary ?? run.summary ?? summaryOf(c, run, endedMs);
  c.prepare(
    `UPDATE run SET status = ?, reason = ?, finished_ms = ?, owner = NULL, summary = ?, sparkline = ?,
      operations = max(operations, ?), detail = coalesce(?, detail) WHERE id = ?`,
  ).run(
    ending.status,
    ending.reason ?? null,
    endedMs,
    summary === null ? null : JSON.stringify(summary),
    JSON.stringify(sparklineOf(c, run.id, run.sampleCount, summary?.program_ns !== undefined)),
    Number.isSafeInteger(summary?.operations) ? summary?.operations : 0,
    jsonOrNull(ending.detail),
    run.id,
  );
  refreshHeadline(c, run.experimentId, run);
}

/**
 * Marks runs as interrupted whose process is dead; those of a living process, this one or another, are left alone.
 * Gives the runs that were marked.
 */
export function markInterrupted(c: Connection): StoredRun[] {
  const now = c.now();
  const dead = (row: { owner: string | null; heartbeat_ms: number }): boolean => {
    const owner = parseOwner(row.owner);
    return owner === null || !isAlive(owner, row.heartbeat_ms, now);
  };
  const unfinished = () =>
    c
      .prepare<[], { id: number; owner: string | null; heartbeat_ms: number }>(
        `SELECT id, owner, heartbeat_ms FROM run WHERE ${UNFINISHED} AND ${NUMBERED}`,
      )
      .all();
  const others = `FROM run WHERE ${UNFINISHED} AND NOT (${NUMBERED})`;
  const hasOthers = () => c.prepare<[], number>(`SELECT 1 ${others} LIMIT 1`).get() !== undefined;
  // A look first: writing waits for other writers, and there is mostly nothing to do.
  if (!c.read(() => unfinished().some(dead) || hasOthers())) return [];
  return c.write(() => {
    c.prepare<[string], never>(
      `UPDATE run SET status = 'interrupted', reason = ?, owner = NULL WHERE id IN (SELECT id ${others})`,
    ).run("No process can have run it: its number is none that a run has");
    return unfinished()
      .filter(dead)
      .map((row) => {
        const pid = parseOwner(row.owner)?.pid;
        const who = pid === undefined ? "The process that ran it" : `The process that ran it (${pid})`;
        const reason = `${who} ended before the run did; the samples up to then are kept`;
        interrupt(c, row.id, reason, Math.min(Math.max(row.heartbeat_ms, 0), now));
        return getRun(c, row.id);
      });
  }, "durable");
}

/** Ends a run as interrupted. Where what is stored of it cannot be summed up, it is ended without: others are not held up by it. */
function interrupt(c: Connection, id: number, reason: string, endedMs: number): void {
  c.prepare("SAVEPOINT ending").run();
  try {
    end(c, getRun(c, id), { status: "interrupted", reason }, endedMs);
  } catch (error) {
    const named = translate(error, c.file);
    // What is wrong with the file and not with a value of the run has a name of its own.
    if (named instanceof HistoryError && named.name !== "HistoryError") throw error;
    c.prepare("ROLLBACK TO ending").run();
    c.prepare("UPDATE run SET status = 'interrupted', reason = ?, finished_ms = ?, owner = NULL WHERE id = ?").run(
      reason,
      endedMs,
      id,
    );
  }
  c.prepare("RELEASE ending").run();
}

/** Whether this store has a run under way. */
export function isUnderWay(c: Connection): boolean {
  const own = `SELECT 1 FROM run WHERE ${UNFINISHED} AND owner ->> '$.token' = ? LIMIT 1`;
  return c.read(() => c.prepare<[string], number>(own).get(c.owner.token)) !== undefined;
}

/** Ends as interrupted what this store still owns; for closing. */
export function interruptOwn(c: Connection, reason: string): StoredRun[] {
  const own = `SELECT id FROM run WHERE ${UNFINISHED} AND owner ->> '$.token' = ?`;
  const ids = () => c.prepare<[string], number>(own).pluck().all(c.owner.token);
  if (c.read(ids).length === 0) return [];
  return c.write(
    () =>
      ids().map((id) => {
        end(c, getRun(c, id), { status: "interrupted", reason }, c.now());
        return getRun(c, id);
      }),
    "durable",
  );
}

/** Says that the owner of this store's runs lives. Gives how many it has under way. */
export function beat(c: Connection): number {
  return c.write(
    () =>
      c
        .prepare(`UPDATE run SET heartbeat_ms = ? WHERE ${UNFINISHED} AND owner ->> '$.token' = ?`)
        .run(c.now(), c.owner.token).changes,
  );
}
