/** Counters of a kernel since it was created. Counts unless the name says otherwise. */

export class Stats {
  tablesAllocated = 0;
  tablesFreed = 0;
  /** PTE tables reclaimed with the PTE lock never dropped, and by the recheck after it was dropped. */
  reclaimedFast = 0;
  reclaimedSlow = 0;
  declinedBelowPmd = 0;
  declinedSplitVma = 0;
  declinedEntryKept = 0;
  declinedRefilled = 0;
  declinedAdvice = 0;
  tlbFlushesPaged = 0;
  tlbFlushesFull = 0;
  tlbPagesFlushed = 0;
  ipis = 0;
  entriesZapped = 0;
  noneSkipped = 0;
  faults = 0;
  /** zap_pte_range: times the loop was broken, by need_resched and by a full mmu_gather. */
  zapBreaksResched = 0;
  zapBreaksForced = 0;
  /** Batches of tables handed to RCU, and tables freed one by one because no batch page could be had. */
  tableBatches = 0;
  tablesFreedSingly = 0;
  /** Trylocks of the PMD lock that failed in the fast path. */
  trylockFailed = 0;
  hugeFaults = 0;
  hugeSplits = 0;
  collapses = 0;
  /** Tables rebuilt where the policy had freed one. */
  rebuiltTables = 0;
  /** What freeing empty tables cost, in simulated ns: the program's own calls and faults, the worst of them, and work beside them. */
  callerNs = 0;
  longestCallNs = 0;
  backgroundNs = 0;
}
