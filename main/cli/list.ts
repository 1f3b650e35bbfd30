import { ofOneSource, savingsRange } from "../../engine/experiment/compare-runs.ts";
import { fromTo } from "../../engine/experiment/extremes.ts";
import { formatKb, formatPercent } from "../../engine/experiment/format.ts";
import { inPolicyOrder, type PolicyId } from "../../engine/experiment/policies.ts";
import { policyWord } from "../../engine/experiment/words.ts";
import { problemsOf } from "../contract/problems.ts";
import type { HistoryRow } from "../contract.ts";
import { requireNone } from "./effect.ts";
import { print, printJson, table } from "./print.ts";
import { type DbOption, withLab } from "./session.ts";

interface ListOptions extends DbOption {
  readonly search?: string;
  readonly filter?: string;
  readonly shelf: "active" | "archive" | "trash";
  readonly limit?: number;
  readonly baseline?: PolicyId;
  readonly json?: boolean;
}

/** 2026-01-31 23:59, of this machine's clock. */
function when(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** What the runs of each policy came to, in the columns of all policies that any row has. */
function vmpte(row: HistoryRow, policies: readonly PolicyId[]): string[] {
  const runs = ofOneSource(row.runs);
  return policies.map((mode) => {
    const ends = runs.flatMap((run) => (run.mode === mode && run.summary ? run.summary.final.vmpte_kb : []));
    return ends.length === 0 ? "" : fromTo(ends, formatKb);
  });
}

/** The most that a policy saves, at each point of a sweep. */
function saved(row: HistoryRow, baseline: PolicyId | undefined): string {
  const range = savingsRange(row.runs, baseline);
  return range === undefined ? "" : fromTo(range, formatPercent);
}

function statuses(row: HistoryRow): string {
  return [...new Set(row.runs.map((run) => run.status))].join(", ");
}

const EMPTY = {
  active: "Nothing here yet: `run commit-table` makes the first.",
  archive: "Nothing is archived.",
  trash: "The trash is empty.",
} as const;

export async function list(options: ListOptions): Promise<void> {
  if (options.json) requireNone({ "--baseline": options.baseline }, "with --json");
  await withLab(options, async (session) => {
    const { search = "", filter = "", shelf, limit = 100 } = options;
    const { rows, total } = await session.ask("history.list", { search, filter, shelf, limit });
    if (options.json) return printJson(rows);
    if (rows.length === 0) {
      const asked = [search, filter].filter(Boolean).join(" ");
      print(asked === "" ? EMPTY[shelf] : `Nothing matches "${asked}".`);
      return;
    }
    const policies = inPolicyOrder(rows.flatMap((row) => row.runs.map((run) => run.mode)));
    const header = ["id", "created", ...policies.map(policyWord), "saved", "status", "title"];
    const cells = rows.map((row) => [
      String(row.id),
      when(row.createdAt),
      ...vmpte(row, policies),
      saved(row, options.baseline),
      statuses(row),
      problemsOf(row).length === 0 ? row.title : `${row.title} (partly invalid: show ${row.id})`,
    ]);
    print(table([header, ...cells], new Set([0, ...policies.map((_, i) => i + 2), policies.length + 2])));
    if (total > rows.length) print(`\n${rows.length} of ${total}; --limit shows more.`);
  });
}
