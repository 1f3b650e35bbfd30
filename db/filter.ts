/** A filter expression of the history as conditions of SQL. */
import type { Comparison, FilterTerm, NumberField } from "../engine/experiment/history-filter.ts";
import { DEFAULT_BASELINE } from "../engine/experiment/policies.ts";

export interface Condition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

const SQL_OF: Readonly<Record<Comparison, string>> = {
  "=": "=",
  "!=": "<>",
  ">": ">",
  "<": "<",
  ">=": ">=",
  "<=": "<=",
};

/**
 * The largest share that a policy saves against the default baseline, as engine/experiment/compare-runs.ts has it: at the
 * end, or where the ends are alike on average over a program's time, or at the peak.
 */
export const SAVED_SHARE = `(SELECT max(CASE
    WHEN fr = fb AND clocked AND ar <> ab THEN CASE WHEN ab = 0 THEN 0.0 ELSE (ab - ar) * 1.0 / ab END
    WHEN fr = fb AND pr <> pb THEN CASE WHEN pb = 0 THEN 0.0 ELSE (pb - pr) * 1.0 / pb END
    WHEN fb = 0 THEN 0.0 ELSE (fb - fr) * 1.0 / fb END)
  FROM (SELECT r.summary ->> '$.final.vmpte_kb' AS fr, b.summary ->> '$.final.vmpte_kb' AS fb,
      r.summary ->> '$.peak.vmpte_kb' AS pr, b.summary ->> '$.peak.vmpte_kb' AS pb,
      r.summary ->> '$.average_vmpte_kb' AS ar, b.summary ->> '$.average_vmpte_kb' AS ab,
      (r.summary ->> '$.program_ns' IS NOT NULL AND b.summary ->> '$.program_ns' IS NOT NULL) AS clocked
    FROM run AS r JOIN run AS b ON b.experiment_id = r.experiment_id AND b.label = r.label AND b.source = r.source
    WHERE r.experiment_id = experiment.id AND b.mode = '${DEFAULT_BASELINE}' AND r.mode <> b.mode
      AND r.summary ->> '$.operations' = b.summary ->> '$.operations'))`;

const ofRuns = (condition: string): string =>
  `EXISTS (SELECT 1 FROM run WHERE run.experiment_id = experiment.id AND ${condition})`;

/** A number of the experiment, or of one of its runs. */
const NUMBERS: Readonly<Record<NumberField, (comparison: string) => string>> = {
  saved: (comparison) => `${SAVED_SHARE} ${comparison} ?`,
  peak: (comparison) => `peak_kb ${comparison} ?`,
  vmpte: (comparison) => ofRuns(`summary ->> '$.final.vmpte_kb' ${comparison} ?`),
  average: (comparison) => ofRuns(`summary ->> '$.average_vmpte_kb' ${comparison} ?`),
  operations: (comparison) => ofRuns(`operations ${comparison} ?`),
  seed: (comparison) => `seed ${comparison} ?`,
  levels: (comparison) => `levels ${comparison} ?`,
  created: (comparison) => `created_ms ${comparison} ?`,
};

const DAY_MS = 86_400_000;

/** A parameter's path in its JSON; names are letters, digits, "_", "." and "-" (history-filter.ts). */
export const paramPath = (name: string): string => `$."${name}"`;

function plain(term: FilterTerm): Condition {
  switch (term.kind) {
    case "number": {
      const { field, value } = term;
      const comparison = SQL_OF[term.comparison];
      // A day is all of it.
      if (field === "created" && term.comparison === "=")
        return { sql: "created_ms >= ? AND created_ms < ?", values: [value, value + DAY_MS] };
      if (field === "created" && (term.comparison === ">" || term.comparison === "<="))
        return { sql: NUMBERS.created(term.comparison === ">" ? ">=" : "<"), values: [value + DAY_MS] };
      return { sql: NUMBERS[field](comparison), values: [value] };
    }
    case "param": {
      const path = paramPath(term.name);
      const comparison = SQL_OF[term.comparison];
      const typed =
        typeof term.value === "number"
          ? "typeof(json_extract(run.params, ?)) IN ('integer', 'real') AND "
          : "json_extract(run.params, ?) IS NOT NULL AND ";
      return { sql: ofRuns(`${typed}json_extract(run.params, ?) ${comparison} ?`), values: [path, path, term.value] };
    }
    case "text":
      if (term.field === "tag")
        return {
          sql: "EXISTS (SELECT 1 FROM tag WHERE experiment_id = experiment.id AND name = ? COLLATE NOCASE)",
          values: [term.value],
        };
      if (term.field === "uid") return { sql: "uid = ?", values: [term.value] };
      return {
        sql: `instr(lower(${{ workload: "workload", title: "title", note: "notes" }[term.field]}), lower(?)) > 0`,
        values: [term.value],
      };
    case "policy":
      return {
        sql: ofRuns("run.mode IN (SELECT value FROM json_each(?))"),
        values: [JSON.stringify(term.policies)],
      };
    case "status":
      return { sql: ofRuns("run.status = ?"), values: [term.status] };
    case "source":
      return { sql: ofRuns("run.source = ?"), values: [term.source] };
    case "is": {
      const conditions = {
        pinned: "pinned = 1",
        sweep: "kind = 'sweep'",
        measured: ofRuns("run.source = 'kernel'"),
        live: "workload_kind = 'live'",
      } as const;
      return { sql: conditions[term.what], values: [] };
    }
  }
}

export function conditionOf(term: FilterTerm): Condition {
  const { sql, values } = plain(term);
  // What is not known is not so.
  return { sql: term.not ? `NOT coalesce((${sql}), 0)` : `(${sql})`, values };
}
