/**
 * The cost of events in simulated time. The defaults are what `reclaim-lab calibrate` measured on an idle 2-core virtual machine
 * (Xeon, Linux 6.18), the median of three runs, rounded; it prints what it measures for each constant, and measures any
 * other machine's. `tlbPage`, `tlbFull`, `ipi` and `io` cannot be separated from outside and are only orders of magnitude. Of those that only
 * policies pay, `lookEntry` and `deferFree` resemble `skipEntry` and `tableFree`, and are measured with them; `atomic` is a
 * locked addition in the cache, about 20 cycles, `lock` two of them (uncontended).
 */

/** Nanoseconds per event. */
export interface CostModel {
  /** Entry into and exit from a system call. */
  readonly syscall: number;
  /** An access that needs no fault. */
  readonly access: number;
  /** A page fault, without the page. */
  readonly fault: number;
  /** Allocating and clearing a 4 KiB page, or mapping one. */
  readonly page: number;
  /** Allocating and clearing a 2 MiB page. */
  readonly hugePage: number;
  /** Allocating a page-table page. */
  readonly tableAlloc: number;
  /** Detaching and freeing a page-table page. */
  readonly tableFree: number;
  /** Zapping a present or non-present entry. */
  readonly zapEntry: number;
  /** Skipping a none entry. */
  readonly skipEntry: number;
  /** A TLB flush of one page. */
  readonly tlbPage: number;
  /** A TLB flush of everything. */
  readonly tlbFull: number;
  /** An inter-processor interrupt. */
  readonly ipi: number;
  /** Creating, splitting, merging or removing a VMA. */
  readonly vma: number;
  /** Copying an entry (fork) or moving one (mremap). */
  readonly copyEntry: number;
  /** Reading from or writing to swap or a file. */
  readonly io: number;
  /** A look at one entry of a table that may be empty. */
  readonly lookEntry: number;
  /** An atomic operation on a table's reference count. */
  readonly atomic: number;
  /** Taking and giving back a lock that nobody else wants. */
  readonly lock: number;
  /** Detaching a table outside an mmu_gather and handing it to RCU (pte_free_defer()). */
  readonly deferFree: number;
}

export const DEFAULT_COST: CostModel = {
  syscall: 91,
  access: 12,
  fault: 445,
  page: 255,
  hugePage: 232_000,
  tableAlloc: 800,
  tableFree: 340,
  zapEntry: 93,
  skipEntry: 1,
  tlbPage: 100,
  tlbFull: 250,
  ipi: 2_000,
  vma: 750,
  copyEntry: 13,
  io: 4_000,
  lookEntry: 1,
  atomic: 7,
  lock: 14,
  deferFree: 340,
};
