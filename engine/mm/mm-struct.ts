/** An address space and its counts (include/linux/mm_types.h: struct mm_struct). */

import { type UffdContext, VmaList } from "./vma.ts";

/** An address space (struct mm_struct) and the relevant state of its process. */
export class Mm {
  /** Number of the process: 0 the first, N the Nth fork. */
  declare readonly id: number;
  /** Row of the root table. */
  declare pgd: number;
  readonly vmas = new VmaList();
  /** Page-table pages by level; their sum times 4 kB is VmPTE. */
  ptes = 0;
  pmds = 0;
  puds = 0;
  /** Pages mapped, by kind. */
  rssAnon = 0;
  rssFile = 0;
  rssShmem = 0;
  swapEntries = 0;
  hugetlbPages = 0;
  totalVm = 0;
  lockedVm = 0;
  /** def_flags: what mlockall(MCL_FUTURE) gives every mapping that is made. */
  defFlags = 0;
  /** Heap, in pages; -1: no brk yet. */
  startBrk = -1;
  brk = -1;
  /** Where mmap looks for room, downwards. */
  declare mmapBase: number;
  alive = true;
  /** Where the next scan for empty tables begins, in pages. */
  scanFrom = 0;
  /** Its userfaultfds, one of each sort, made when they are first needed; and the sort that registrations use from now on. */
  uffds: Record<"sync" | "async", UffdContext | null> = { sync: null, async: null };
  uffdMode: "sync" | "async" = "async";
  /** The PMD table that was walked last, and the first page that it covers; Infinity: none. */
  cachedStart = Number.POSITIVE_INFINITY;
  cachedPmdTable = 0;

  constructor(id: number, pgd: number, mmapBase: number) {
    this.id = id;
    this.pgd = pgd;
    this.mmapBase = mmapBase;
  }
}
