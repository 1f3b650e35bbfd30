import { DECLINED_REASONS, type DeclinedReason, type RunSummary } from "../../engine/experiment/types.ts";
import { DECLINED_WORDS } from "../../engine/experiment/words.ts";

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
  ...DECLINED_WORDS,
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
