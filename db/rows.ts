/** Between rows of the database and records. */
import type { PolicyId } from "../engine/experiment/policies.ts";
import type { Params, RunStatus, RunSummary, Source } from "../engine/experiment/types.ts";
import type {
  ExperimentKind,
  Json,
  RunFacts,
  StoredExperiment,
  StoredProfile,
  StoredRun,
  WorkloadKind,
} from "./records.ts";
import {
  badWords,
  boundedColumn,
  EXPERIMENT_SHAPE,
  type Read,
  RUN_SHAPE,
  readRow,
  selectOf,
  TAG_SHAPE,
  TAGS_MAX,
} from "./stored.ts";

/** As it was stored: what is in it is known when it was read by its shape. */
export type ExperimentRow = { readonly id: number } & Readonly<Record<keyof typeof EXPERIMENT_SHAPE, unknown>>;
export const EXPERIMENT_COLUMNS = selectOf(EXPERIMENT_SHAPE);
/** The same for a list, which says of its experiments what they sweep, and nothing else that only one kind has. */
const { detail, ...OTHERS } = EXPERIMENT_SHAPE;
export const LISTED_COLUMNS = `${selectOf(OTHERS)}, CASE WHEN kind = 'sweep' THEN ${boundedColumn("detail", detail)} END AS detail`;

export type RunRow = { readonly id: number; readonly experiment_id: number } & Readonly<
  Record<keyof typeof RUN_SHAPE, unknown>
>;
export const RUN_COLUMNS = selectOf(RUN_SHAPE);

/** A column's value by the type that its shape has checked. */
const taker =
  ({ values }: Read) =>
  <T>(name: string): T =>
    values[name] as T;

export function toRun(row: RunRow): StoredRun {
  const read = readRow(RUN_SHAPE, row);
  const take = taker(read);
  return {
    id: take("id"),
    uid: take("uid"),
    experimentId: take("experiment_id"),
    label: take("label"),
    source: take<Source>("source"),
    mode: take<PolicyId>("mode"),
    policyVersion: take("policy_version"),
    params: take<Params>("params"),
    seed: take("seed"),
    status: take<RunStatus>("status"),
    reason: take("reason"),
    createdAt: take("created_ms"),
    startedAt: take("started_ms"),
    endedAt: take("finished_ms"),
    operations: take("operations"),
    operationsTotal: take("operations_total"),
    sampleCount: take("sample_count"),
    summary: take<RunSummary | null>("summary"),
    sparkline: take<number[] | null>("sparkline") ?? [],
    facts: take<RunFacts>("facts"),
    kernelProfile: take<StoredProfile | null>("kernel_profile"),
    detail: take<Json>("detail"),
    problem: badWords(read.bad),
  };
}

/** Of a reading, so many runs are remembered as they were read, and none whose texts are longer together. */
const REMEMBERED_MAX = 5000;
const LENGTH_MAX = 8192;
/** What reads fewer runs than these at once is no list: it is quick, and a list's runs stay remembered beside it. */
const LIST_RUNS = 32;
/** The list as it is seen, and as it was before it was scrolled or searched. */
const LISTS = 2;

function isSame(a: RunRow, b: RunRow): boolean {
  for (const name in a) if (a[name as keyof RunRow] !== b[name as keyof RunRow]) return false;
  return true;
}

function lengthOf(row: RunRow): number {
  let length = 0;
  for (const value of Object.values(row)) if (typeof value === "string") length += value.length;
  return length;
}

/**
 * Gives a `toRun` for many of one history that does not read again what is as it was: a list is asked for often, and little of it
 * changes meanwhile. What the last lists did not hold is forgotten.
 */
export function rememberingRuns(): (rows: readonly RunRow[]) => StoredRun[] {
  const lists: Map<number, { readonly row: RunRow; readonly run: StoredRun }>[] = [];
  return (rows) => {
    const list: (typeof lists)[number] = new Map();
    const runs = rows.map((row) => {
      const before = lists.find((each) => each.has(row.id))?.get(row.id);
      const read = before !== undefined && isSame(before.row, row) ? before : { row, run: toRun(row) };
      if (lengthOf(row) <= LENGTH_MAX && list.size < REMEMBERED_MAX) list.set(row.id, read);
      return read.run;
    });
    if (rows.length >= LIST_RUNS) {
      lists.unshift(list);
      lists.length = Math.min(lists.length, LISTS);
    }
    return runs;
  };
}

export function toExperiment(row: ExperimentRow, stored: string[], runs: StoredRun[]): StoredExperiment {
  const read = readRow(EXPERIMENT_SHAPE, row);
  const take = taker(read);
  const tags = stored.slice(0, TAGS_MAX).map((name) => readRow(TAG_SHAPE, { name }));
  const badTags = stored.length > TAGS_MAX || tags.some(({ bad }) => bad.length > 0) ? ["tags"] : [];
  return {
    id: take("id"),
    uid: take("uid"),
    kind: take<ExperimentKind>("kind"),
    title: take("title"),
    workload: take("workload"),
    workloadKind: take<WorkloadKind>("workload_kind"),
    params: take<Params>("params"),
    seed: take("seed"),
    levels: take("levels"),
    createdAt: take("created_ms"),
    updatedAt: take("updated_ms"),
    // Two may be alike once they are shown.
    tags: [...new Set(tags.map(({ values }) => String(values.name)))],
    notes: take("notes"),
    pinned: take<0 | 1>("pinned") === 1,
    archived: take<number | null>("archived_ms") !== null,
    deletedAt: take("trashed_ms"),
    detail: take<Json>("detail"),
    problem: badWords([...read.bad, ...badTags]),
    runs,
  };
}

export function jsonOrNull(value: Json | undefined): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
