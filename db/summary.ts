/** The summary of a run whose maker could not give one: what its samples say. */
import type { RunSummary } from "../engine/experiment/types.ts";
import type { Connection } from "./connection.ts";
import type { StoredRun } from "./records.ts";

interface LastSample {
  readonly operations: number | null;
  readonly vmpte_kb: number | null;
  readonly pte_tables: number | null;
  readonly pmd_tables: number | null;
  readonly pud_tables: number | null;
  readonly empty_pte_tables: number | null;
  readonly rss_kb: number | null;
  readonly virt_kb: number | null;
  readonly reclaimed_fast: number | null;
  readonly reclaimed_slow: number | null;
  readonly declined_below_pmd: number | null;
  readonly declined_split_vma: number | null;
  readonly declined_entry_kept: number | null;
  readonly declined_refilled: number | null;
  readonly declined_advice: number | null;
}

/** Null where the run has no samples. The peaks are those of the samples; `wall_ms` is the time until `endedMs`. */
export function summaryOf(c: Connection, run: StoredRun, endedMs: number): RunSummary | null {
  const last = c
    .prepare<[number], LastSample>("SELECT * FROM sample WHERE run_id = ? ORDER BY seq DESC LIMIT 1")
    .get(run.id);
  if (!last) return null;
  const peak = c
    .prepare<[number], { vmpte_kb: number | null; rss_kb: number | null }>(
      "SELECT max(vmpte_kb) AS vmpte_kb, max(rss_kb) AS rss_kb FROM sample WHERE run_id = ?",
    )
    .get(run.id);
  const { reclaimed_fast: fast, reclaimed_slow: slow, declined_below_pmd: belowPmd } = last;
  return {
    operations: last.operations ?? 0,
    wall_ms: Math.max(0, endedMs - (run.startedAt ?? run.createdAt)),
    final: {
      vmpte_kb: last.vmpte_kb ?? 0,
      pte_tables: last.pte_tables,
      pmd_tables: last.pmd_tables,
      pud_tables: last.pud_tables,
      empty_pte_tables: last.empty_pte_tables,
      rss_kb: last.rss_kb ?? 0,
      virt_kb: last.virt_kb,
    },
    peak: { vmpte_kb: peak?.vmpte_kb ?? 0, rss_kb: peak?.rss_kb ?? 0 },
    reclaimed_pte_tables: fast === null || slow === null ? null : fast + slow,
    slow_path: slow,
    declined:
      belowPmd === null
        ? null
        : {
            below_pmd: belowPmd,
            split_vma: last.declined_split_vma ?? 0,
            entry_kept: last.declined_entry_kept ?? 0,
            refilled: last.declined_refilled ?? 0,
            advice: last.declined_advice ?? 0,
          },
  };
}
