/**
 * The schema of the history, as the list of migrations that make it. A migration that was released is never changed:
 * the ledger in the file keeps its checksum. `user_version` is the number of the last one.
 */
import { createHash } from "node:crypto";

/** "RLab" in the header of the file (SQLite: application_id). */
export const APPLICATION_ID = 0x524c6162;

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/**
 * First schema. Plain rows, so that any program reads the samples by SQL. `status`, `saving_kb`, `peak_kb` and `search`
 * of an experiment are kept up by the store from its runs and texts, so that a long history is sorted and searched by
 * one scan. Times are milliseconds since 1970 (UTC), JSON columns are
 * checked (NULL first: the integrity check of SQLite before 3.42 takes a NULL result for a failure), `uid` survives
 * export and merge.
 */
const HISTORY = `
CREATE TABLE migration (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  applied_ms INTEGER NOT NULL,
  copy TEXT
) STRICT;

CREATE TABLE setting (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

CREATE TABLE experiment (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uid TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('workload', 'sweep')),
  title TEXT NOT NULL,
  workload_kind TEXT NOT NULL,
  workload TEXT NOT NULL,
  params TEXT NOT NULL CHECK (json_valid(params)),
  seed INTEGER NOT NULL,
  levels INTEGER NOT NULL,
  notes TEXT NOT NULL DEFAULT '',
  detail TEXT CHECK (detail IS NULL OR json_valid(detail)),
  pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  archived_ms INTEGER,
  trashed_ms INTEGER,
  status TEXT NOT NULL DEFAULT 'queued',
  saving_kb REAL,
  peak_kb REAL,
  search TEXT NOT NULL
) STRICT;

CREATE INDEX experiment_created ON experiment (created_ms);

CREATE TABLE tag (
  experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (name <> ''),
  PRIMARY KEY (experiment_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX tag_name ON tag (name);

CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uid TEXT NOT NULL UNIQUE,
  experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
  label TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL,
  mode TEXT NOT NULL,
  params TEXT NOT NULL CHECK (json_valid(params)),
  seed INTEGER NOT NULL,
  engine_version TEXT NOT NULL,
  facts TEXT NOT NULL CHECK (json_valid(facts)),
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'cancelled', 'failed', 'interrupted')),
  reason TEXT,
  created_ms INTEGER NOT NULL,
  started_ms INTEGER,
  finished_ms INTEGER,
  heartbeat_ms INTEGER NOT NULL,
  owner TEXT CHECK (owner IS NULL OR json_valid(owner)),
  operations INTEGER NOT NULL DEFAULT 0,
  operations_total INTEGER,
  sample_count INTEGER NOT NULL DEFAULT 0,
  summary TEXT CHECK (summary IS NULL OR json_valid(summary)),
  sparkline TEXT CHECK (sparkline IS NULL OR json_valid(sparkline)),
  detail TEXT CHECK (detail IS NULL OR json_valid(detail))
) STRICT;

CREATE INDEX run_experiment ON run (experiment_id);
CREATE INDEX run_unfinished ON run (status) WHERE status IN ('queued', 'running');

CREATE TABLE sample (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  operations INTEGER,
  time_ns INTEGER,
  vmpte_kb INTEGER,
  pte_tables INTEGER,
  pmd_tables INTEGER,
  pud_tables INTEGER,
  empty_pte_tables INTEGER,
  rss_kb INTEGER,
  swap_kb INTEGER,
  virt_kb INTEGER,
  tables_allocated INTEGER,
  tables_freed INTEGER,
  tables_rcu_pending INTEGER,
  reclaimed_fast INTEGER,
  reclaimed_slow INTEGER,
  declined_below_pmd INTEGER,
  declined_split_vma INTEGER,
  declined_entry_kept INTEGER,
  declined_refilled INTEGER,
  declined_advice INTEGER,
  tlb_flushes_paged INTEGER,
  tlb_flushes_full INTEGER,
  tlb_pages_flushed INTEGER,
  ipis INTEGER,
  entries_zapped INTEGER,
  none_skipped INTEGER,
  faults INTEGER,
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

CREATE VIEW run_overview AS
SELECT run.id AS run_id, experiment.id AS experiment_id, experiment.title, experiment.workload, run.source, run.mode,
  run.status, run.params, run.seed, run.sample_count, run.operations,
  summary ->> '$.wall_ms' AS wall_ms,
  summary ->> '$.final.vmpte_kb' AS final_vmpte_kb,
  summary ->> '$.peak.vmpte_kb' AS peak_vmpte_kb,
  summary ->> '$.reclaimed_pte_tables' AS reclaimed_pte_tables,
  datetime(run.created_ms / 1000, 'unixepoch') AS created_utc
FROM run JOIN experiment ON experiment.id = run.experiment_id;
`;

/** The kernel that a run was modelled on, or was found to run on where it was measured (engine/mm/kernel-profile.ts); NULL: not kept. */
const KERNEL_PROFILE = `
ALTER TABLE run ADD COLUMN kernel_profile TEXT CHECK (kernel_profile IS NULL OR json_valid(kernel_profile));
`;

/**
 * The version of the policy that a run was made under (engine/experiment/policies.ts), beside it in the overview; and an outcome
 * of releases that is named after what it is, a table, and no longer after one kernel's size of it.
 */
const POLICIES = `
ALTER TABLE run ADD COLUMN policy_version INTEGER NOT NULL DEFAULT 1 CHECK (policy_version >= 1);

UPDATE run SET summary = replace(summary, '"below_2mib":', '"below_table":') WHERE summary LIKE '%"below_2mib":%';

DROP VIEW run_overview;
CREATE VIEW run_overview AS
SELECT run.id AS run_id, experiment.id AS experiment_id, experiment.title, experiment.workload, run.label, run.source,
  run.mode, run.policy_version, run.status, run.params, run.seed, run.sample_count, run.operations,
  summary ->> '$.wall_ms' AS wall_ms,
  summary ->> '$.final.vmpte_kb' AS final_vmpte_kb,
  summary ->> '$.peak.vmpte_kb' AS peak_vmpte_kb,
  summary ->> '$.average_vmpte_kb' AS average_vmpte_kb,
  summary ->> '$.reclaimed_pte_tables' AS reclaimed_pte_tables,
  datetime(run.created_ms / 1000, 'unixepoch') AS created_utc
FROM run JOIN experiment ON experiment.id = run.experiment_id;
`;

/** The same of a reason in a run's blame (engine/experiment/blame.ts). */
const BLAME_REASONS = `
UPDATE run SET summary = replace(summary, '"reason":"below_2mib"', '"reason":"below_table"')
WHERE summary LIKE '%"reason":"below_2mib"%';
`;

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: "history", sql: HISTORY },
  { version: 2, name: "kernel-profile", sql: KERNEL_PROFILE },
  { version: 3, name: "policies", sql: POLICIES },
  { version: 4, name: "blame-reasons", sql: BLAME_REASONS },
];

/** SHA-256 of a migration's SQL, as the ledger keeps it. */
export function checksumOf(migration: Migration): string {
  return createHash("sha256").update(migration.sql).digest("hex");
}
