/** Between rows of the database and records. */
import type { Mode, Params, RunStatus, RunSummary, Source } from "../engine/experiment/types.ts";
import type { ExperimentKind, Json, RunFacts, StoredExperiment, StoredRun } from "./records.ts";

export interface ExperimentRow {
  readonly id: number;
  readonly uid: string;
  readonly kind: ExperimentKind;
  readonly title: string;
  readonly workload_kind: "preset" | "file";
  readonly workload: string;
  readonly params: string;
  readonly seed: number;
  readonly levels: number;
  readonly notes: string;
  readonly detail: string | null;
  readonly pinned: 0 | 1;
  readonly created_ms: number;
  readonly updated_ms: number;
  readonly archived_ms: number | null;
  readonly trashed_ms: number | null;
}

export const EXPERIMENT_COLUMNS =
  "id, uid, kind, title, workload_kind, workload, params, seed, levels, notes, detail, pinned, created_ms, updated_ms, archived_ms, trashed_ms";

export interface RunRow {
  readonly id: number;
  readonly uid: string;
  readonly experiment_id: number;
  readonly label: string;
  readonly source: Source;
  readonly mode: Mode;
  readonly params: string;
  readonly seed: number;
  readonly facts: string;
  readonly status: RunStatus;
  readonly reason: string | null;
  readonly created_ms: number;
  readonly started_ms: number | null;
  readonly finished_ms: number | null;
  readonly operations: number;
  readonly operations_total: number | null;
  readonly sample_count: number;
  readonly summary: string | null;
  readonly sparkline: string | null;
  readonly detail: string | null;
}

export const RUN_COLUMNS =
  "id, uid, experiment_id, label, source, mode, params, seed, facts, status, reason, created_ms, started_ms, finished_ms, operations, operations_total, sample_count, summary, sparkline, detail";

/** Reads JSON that the store itself wrote (and SQLite checked to be JSON): its shape is the writer's. */
function json<T>(text: string): T {
  return JSON.parse(text) as T;
}

export function toRun(row: RunRow): StoredRun {
  return {
    id: row.id,
    uid: row.uid,
    experimentId: row.experiment_id,
    label: row.label,
    source: row.source,
    mode: row.mode,
    params: json<Params>(row.params),
    seed: row.seed,
    status: row.status,
    reason: row.reason,
    createdAt: row.created_ms,
    startedAt: row.started_ms,
    endedAt: row.finished_ms,
    operations: row.operations,
    operationsTotal: row.operations_total,
    sampleCount: row.sample_count,
    summary: row.summary === null ? null : json<RunSummary>(row.summary),
    sparkline: row.sparkline === null ? [] : json<number[]>(row.sparkline),
    facts: json<RunFacts>(row.facts),
    detail: row.detail === null ? null : json<Json>(row.detail),
  };
}

export function toExperiment(row: ExperimentRow, tags: string[], runs: StoredRun[]): StoredExperiment {
  return {
    id: row.id,
    uid: row.uid,
    kind: row.kind,
    title: row.title,
    workload: row.workload,
    workloadKind: row.workload_kind,
    params: json<Params>(row.params),
    seed: row.seed,
    levels: row.levels,
    createdAt: row.created_ms,
    updatedAt: row.updated_ms,
    tags,
    notes: row.notes,
    pinned: row.pinned === 1,
    archived: row.archived_ms !== null,
    deletedAt: row.trashed_ms,
    detail: row.detail === null ? null : json<Json>(row.detail),
    runs,
  };
}

export function jsonOrNull(value: Json | undefined): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
