/** What the cells of the history's table say. */
import { ofOneSource, savingsRange } from "../../engine/experiment/compare-runs.ts";
import { mostOf } from "../../engine/experiment/extremes.ts";
import { formatCount, formatExact, formatKb, formatPercent } from "../../engine/experiment/format.ts";
import { inPolicyOrder, type PolicyId } from "../../engine/experiment/policies.ts";
import { policyWord, STATUS_WORDS } from "../../engine/experiment/words.ts";
import type { HistoryRow } from "../../main/contract.ts";
import { dayGroup, formatWhen } from "./format.ts";
import { rowStatus } from "./rows.ts";

export interface Cell {
  readonly text: string;
  /** In full, where a pointer rests. */
  readonly title?: string;
}

/** A parameter as it is typed: of one experiment by its preset's description. */
export type ParamText = (row: HistoryRow, name: string) => string;

export function cellOf(
  column: string,
  row: HistoryRow,
  baseline: PolicyId | undefined,
  paramText: ParamText,
  now: Date,
): Cell {
  if (column.startsWith("param.")) return { text: paramText(row, column.slice("param.".length)) };
  const runs = ofOneSource(row.runs);
  if (column.startsWith("vmpte.")) {
    const kb = runs.find((run) => `vmpte.${run.mode}` === column && run.summary)?.summary?.final.vmpte_kb;
    return kb === undefined ? { text: "" } : { text: formatKb(kb), title: formatExact(kb, "kb") };
  }
  switch (column) {
    case "created":
      return { text: formatWhen(new Date(row.createdAt), now), title: new Date(row.createdAt).toLocaleString() };
    case "workload":
      return { text: row.workload };
    case "status":
      return { text: STATUS_WORDS[rowStatus(row.runs)] };
    case "policies":
      return {
        text: inPolicyOrder(row.runs.map((run) => run.mode))
          .map(policyWord)
          .join(", "),
      };
    case "tags":
      return { text: row.tags.join(", ") };
    case "saved": {
      const range = savingsRange(row.runs, baseline);
      return { text: range ? formatPercent(range[1]) : "" };
    }
    case "peak": {
      const kb = row.runs.flatMap((run) => run.summary?.peak.vmpte_kb ?? []);
      const most = mostOf(kb);
      return kb.length === 0 ? { text: "" } : { text: formatKb(most), title: formatExact(most, "kb") };
    }
    case "operations":
      return { text: formatCount(runs.find((run) => run.summary)?.summary?.operations).replace("–", "") };
    case "seed":
      return { text: String(row.seed) };
    case "notes":
      return { text: row.notes.split("\n")[0] ?? "", title: row.notes };
    default:
      return { text: "" };
  }
}

/** What the rows of a group have in common, as its heading says it. */
export function groupOf(column: string, row: HistoryRow, paramText: ParamText, now: Date): string {
  if (column === "created") return dayGroup(new Date(row.createdAt), now);
  if (column === "tags") return row.tags.toSorted()[0] ?? "no tag";
  return cellOf(column, row, undefined, paramText, now).text || "–";
}
