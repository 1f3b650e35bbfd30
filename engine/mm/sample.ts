/** The columns of a sample, filled from a kernel's state (sample-columns.ts). */

import { pagesKb } from "./geometry.ts";
import { SAMPLE_INDEX } from "./sample-columns.ts";
import { type KernelState, type Mm, pgtablesKb, rssPages } from "./state.ts";

const AT = SAMPLE_INDEX;

/** Writes one sample into `row`, which has SAMPLE_COLUMNS.length numbers. Sizes are those of process `mm`. */
export function sampleInto(k: KernelState, mm: Mm, seq: number, operations: number, row: Float64Array): void {
  const stats = k.stats;
  row[AT.seq] = seq;
  row[AT.operations] = operations;
  row[AT.time_ns] = Math.round(k.timeNs);
  row[AT.vmpte_kb] = pgtablesKb(mm);
  row[AT.pte_tables] = mm.ptes;
  row[AT.pmd_tables] = mm.pmds;
  row[AT.pud_tables] = mm.puds;
  row[AT.empty_pte_tables] = k.tables.emptyOf[mm.id];
  row[AT.rss_kb] = pagesKb(rssPages(mm));
  row[AT.swap_kb] = pagesKb(mm.swapEntries);
  row[AT.virt_kb] = pagesKb(mm.totalVm);
  row[AT.tables_allocated] = stats.tablesAllocated;
  row[AT.tables_freed] = stats.tablesFreed;
  row[AT.tables_rcu_pending] = k.rcuPending;
  row[AT.reclaimed_fast] = stats.reclaimedFast;
  row[AT.reclaimed_slow] = stats.reclaimedSlow;
  row[AT.declined_below_pmd] = stats.declinedBelowPmd;
  row[AT.declined_split_vma] = stats.declinedSplitVma;
  row[AT.declined_entry_kept] = stats.declinedEntryKept;
  row[AT.declined_refilled] = stats.declinedRefilled;
  row[AT.declined_advice] = stats.declinedAdvice;
  row[AT.tlb_flushes_paged] = stats.tlbFlushesPaged;
  row[AT.tlb_flushes_full] = stats.tlbFlushesFull;
  row[AT.tlb_pages_flushed] = stats.tlbPagesFlushed;
  row[AT.ipis] = stats.ipis;
  row[AT.entries_zapped] = stats.entriesZapped;
  row[AT.none_skipped] = stats.noneSkipped;
  row[AT.faults] = stats.faults;
}
