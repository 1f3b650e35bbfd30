import { DECLINED_REASONS, type DeclinedReason, type RunSummary } from "../../engine/experiment/types.ts";

/** What became of the tables that releases of memory could have freed: one line a fate. */
export interface Fate {
  readonly id: "fast" | "slow" | DeclinedReason;
  readonly label: string;
  /** What it means, in a sentence. */
  readonly meaning: string;
  readonly count: number;
  /** Of all fates together, 0..1. */
  readonly share: number;
  readonly reclaimed: boolean;
}

const WORDS: Readonly<Record<Fate["id"], { readonly label: string; readonly meaning: string }>> = {
  fast: { label: "reclaimed, fast path", meaning: "emptied under one hold of the PTE lock, and freed at once" },
  slow: { label: "reclaimed, slow path", meaning: "the lock was dropped midway; all 512 entries were checked again" },
  below_pmd: {
    label: "smaller than 2 MiB",
    meaning: "the range did not cover the whole table: other entries may live in it",
  },
  split_vma: { label: "two VMAs share the table", meaning: "the mapping ended inside the table's 2 MiB" },
  entry_kept: { label: "entry kept (guard, uffd-wp)", meaning: "an entry had to stay, so the table stayed" },
  refilled: {
    label: "refilled before the recheck",
    meaning: "another thread faulted a page in while the lock was dropped",
  },
  advice: { label: "advice that never reclaims", meaning: "MADV_FREE and others leave the entries in place" },
};

/** The fates of a run in a fixed order; empty where the source cannot know (measured runs). */
export function fates(summary: RunSummary | null | undefined): Fate[] {
  if (!summary || summary.reclaimed_pte_tables === null || !summary.declined) return [];
  const slow = summary.slow_path ?? 0;
  const counts: [Fate["id"], number][] = [
    ["fast", summary.reclaimed_pte_tables - slow],
    ["slow", slow],
    ...DECLINED_REASONS.map((reason): [Fate["id"], number] => [reason, summary.declined?.[reason] ?? 0]),
  ];
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return counts.map(([id, count]) => ({
    id,
    ...WORDS[id],
    count,
    share: total === 0 ? 0 : count / total,
    reclaimed: id === "fast" || id === "slow",
  }));
}
