/** A page of the history: filtered, sorted, counted. */

import { parseHistoryFilter } from "../engine/experiment/history-filter.ts";
import type { Connection } from "./connection.ts";
import { experimentsOf } from "./experiments.ts";
import { type Condition, conditionOf, paramPath, SAVED_SHARE } from "./filter.ts";
import type { HistoryFilter, HistoryPage, HistorySort, NamedSort } from "./records.ts";
import { LISTED_COLUMNS } from "./rows.ts";
import { searchWords } from "./search.ts";

const SHELVES = {
  active: "trashed_ms IS NULL AND archived_ms IS NULL",
  archive: "trashed_ms IS NULL AND archived_ms IS NOT NULL",
  trash: "trashed_ms IS NOT NULL",
} as const;

const SORTS: Readonly<Record<NamedSort, string>> = {
  created: "created_ms",
  title: "title COLLATE NOCASE",
  workload: "workload COLLATE NOCASE",
  saving: "saving_kb",
  peak: "peak_kb",
  status: "status",
  saved: SAVED_SHARE,
  operations: "(SELECT max(operations) FROM run WHERE experiment_id = experiment.id)",
  tag: "(SELECT min(name) FROM tag WHERE experiment_id = experiment.id)",
  day: "date(created_ms / 1000, 'unixepoch', 'localtime')",
};

/** What rows are ordered by: a column, or a parameter. */
function sortOf(sort: HistorySort): Condition {
  if (!sort.startsWith("param.")) return { sql: SORTS[sort as NamedSort], values: [] };
  return { sql: "json_extract(params, ?)", values: [paramPath(sort.slice("param.".length))] };
}

/** Default: the newest 200 of the shelf `active`. */
export function listHistory(c: Connection, filter: HistoryFilter = {}): HistoryPage {
  // A number that JavaScript does not have leads nowhere; `check` names its row.
  const conditions: string[] = [SHELVES[filter.shelf ?? "active"], `+id BETWEEN 1 AND ${Number.MAX_SAFE_INTEGER}`];
  const values: (string | number)[] = [];
  const also = (condition: string, ...bound: (string | number)[]) => {
    conditions.push(condition);
    values.push(...bound);
  };
  const expression = parseHistoryFilter(filter.filter ?? "");
  for (const term of expression.terms) {
    const { sql, values: bound } = conditionOf(term);
    also(sql, ...bound);
  }
  for (const word of searchWords([filter.search ?? "", ...expression.words].join(" ")))
    also("instr(search, ?) > 0", word);
  if (filter.workloads) also("workload IN (SELECT value FROM json_each(?))", JSON.stringify(filter.workloads));
  for (const tag of filter.tags ?? [])
    also("EXISTS (SELECT 1 FROM tag WHERE experiment_id = experiment.id AND name = ?)", tag);
  const ofRuns = (column: "status" | "source", wanted: readonly string[]) =>
    also(
      `EXISTS (SELECT 1 FROM run WHERE experiment_id = experiment.id AND run.${column} IN (SELECT value FROM json_each(?)))`,
      JSON.stringify(wanted),
    );
  if (filter.statuses) ofRuns("status", filter.statuses);
  if (filter.sources) ofRuns("source", filter.sources);
  if (filter.pinned !== undefined) also("pinned = ?", filter.pinned ? 1 : 0);

  const where = conditions.join(" AND ");
  const direction = (filter.descending ?? true) ? "DESC" : "ASC";
  const sort = sortOf(filter.sort ?? "created");
  const group = filter.group === undefined ? undefined : sortOf(filter.group);
  const order = [
    ...(group ? [`${group.sql} ${filter.group === "day" ? "DESC" : "ASC"} NULLS LAST`] : []),
    `${sort.sql} ${direction} NULLS LAST`,
    `id ${direction}`,
  ].join(", ");
  return c.read(() => {
    const total = c.prepare<(string | number)[], number>(`SELECT count(*) FROM experiment WHERE ${where}`).pluck();
    const ids = c
      .prepare<(string | number)[], number>(
        `SELECT id FROM experiment WHERE ${where}
         ORDER BY ${order} LIMIT ? OFFSET ?`,
      )
      .pluck();
    return {
      total: total.get(...values) ?? 0,
      rows: experimentsOf(
        c,
        ids.all(...values, ...(group?.values ?? []), ...sort.values, filter.limit ?? 200, filter.offset ?? 0),
        LISTED_COLUMNS,
      ),
    };
  });
}

/** Every tag with how many experiments (not in the trash) have it, the most used first. */
export function listTags(c: Connection): { name: string; count: number }[] {
  return c.read(() =>
    c
      .prepare<[], { name: string; count: number }>(
        `SELECT name, count(*) AS count FROM tag JOIN experiment ON experiment.id = tag.experiment_id
         WHERE trashed_ms IS NULL GROUP BY name ORDER BY count DESC, name`,
      )
      .all(),
  );
}
