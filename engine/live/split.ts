/** VmPTE by cause: parts that add up to it, for bars, sums and sentences. */
import { TABLE_KB } from "./look.ts";
import type { Tables } from "./tables.ts";

/**
 * In the order in which they are drawn. `needed`: private tables in use that are not sparse; `upper`: PMD and PUD
 * tables, and what no part explains.
 */
export const CAUSES = ["needed", "sparse", "shared", "deposited", "pinned", "upper", "empty"] as const;
export type Cause = (typeof CAUSES)[number];

export const CAUSE_LABELS: Readonly<Record<Cause, string>> = {
  needed: "in use",
  sparse: "sparse",
  shared: "shared N times",
  deposited: "under huge pages",
  pinned: "pinned by markers",
  upper: "upper tables",
  empty: "empty",
};

/** kB by cause. */
export type Split = Readonly<Record<Cause, number>>;

const NO_SPLIT: Split = { needed: 0, sparse: 0, shared: 0, deposited: 0, pinned: 0, upper: 0, empty: 0 };

/** `sharedSparse`: tables that are both shared and sparse; they count as shared. */
export function splitOf(vmpteKb: number, tables: Tables, sharedSparse = 0): Split {
  const sparse = Math.max(0, tables.sparse - sharedSparse);
  const needed = Math.max(0, tables.in_use - sparse - tables.shared);
  const parts = {
    needed: needed * TABLE_KB,
    sparse: sparse * TABLE_KB,
    shared: tables.shared * TABLE_KB,
    deposited: tables.deposited * TABLE_KB,
    pinned: tables.pinned * TABLE_KB,
    empty: tables.empty.estimate * TABLE_KB,
  };
  const explained = Object.values(parts).reduce((sum, kb) => sum + kb, 0);
  return { ...parts, upper: Math.max(0, vmpteKb - explained) };
}

export function addSplits(splits: Iterable<Split>): Split {
  const sum: Record<Cause, number> = { ...NO_SPLIT };
  for (const split of splits) for (const cause of CAUSES) sum[cause] += split[cause];
  return sum;
}

/** PTE tables of a process: all but the upper ones. */
export function pteTablesOf(vmpteKb: number, split: Split): number {
  return Math.round((vmpteKb - split.upper) / TABLE_KB);
}

export function totalOf(split: Split): number {
  return CAUSES.reduce((sum, cause) => sum + split[cause], 0);
}
