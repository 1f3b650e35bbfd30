/** The rows of a folder of results: in words, sorted, and filtered. */
import { knobNamed } from "../../engine/experiment/knobs.ts";
import { formatParam, formatValueOf, type ParamSpec } from "../../engine/experiment/params.ts";
import type { ParamValue } from "../../engine/experiment/types.ts";
import type { AtlasRow } from "../../main/contract.ts";

export type SortKey = "workload" | "policy" | "seed" | "average_vmpte_kb" | "saved_percent" | "cost_ns";

export interface Sort {
  readonly key: SortKey;
  readonly descending: boolean;
}

function read(json: string): Readonly<Record<string, ParamValue>> | null {
  try {
    return JSON.parse(json) as Readonly<Record<string, ParamValue>>;
  } catch {
    return null;
  }
}

/** "size 256M, chunk 1M": what is not as the preset has it; of a trace what was chosen. */
export function paramsWords(json: string, specs: readonly ParamSpec[] | undefined): string {
  const params = read(json);
  if (params === null) return json;
  const words = Object.entries(params).flatMap(([name, value]) => {
    const spec = specs?.find((each) => each.name === name);
    if (spec === undefined) return [`${name} ${String(value)}`];
    return value === spec.default ? [] : [`${name} ${formatParam(spec, value as never)}`];
  });
  return words.join(", ");
}

/** ", scan_interval 10 ms": what the plan sets of the policy. */
export function knobsWords(json: string): string {
  const knobs = read(json);
  if (knobs === null) return `, ${json}`;
  return Object.entries(knobs)
    .map(([name, value]) => `, ${name} ${formatValueOf(knobNamed(name), value)}`)
    .join("");
}

function order(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
}

/** Rows that have every word of `search` in workload, parameters, policy, profile or reason; what is not known comes last. */
export function shownRows(rows: readonly AtlasRow[], search: string, { key, descending }: Sort): AtlasRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (row: AtlasRow) =>
    `${row.workload} ${row.params} ${row.policy} ${row.knobs} ${row.profile} ${row.status} ${row.reason ?? ""}`.toLowerCase();
  const found = words.length === 0 ? [...rows] : rows.filter((row) => words.every((word) => text(row).includes(word)));
  return found.sort((a, b) => {
    if (a[key] === null || b[key] === null) return order(a[key], b[key]);
    return descending ? order(b[key], a[key]) : order(a[key], b[key]);
  });
}
