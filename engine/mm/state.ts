/** The state of a modelled kernel: what every path takes as its first argument. */

import type { ResolvedOptions } from "./config.ts";
import type { MappedFile } from "./file.ts";
import { LEVEL_P4D, LEVEL_PGD, taskPages } from "./geometry.ts";
import type { KernelProfile } from "./kernel-profile.ts";
import { Rng } from "./rng.ts";
import { newPoint, type SchedPoint } from "./sched-point.ts";
import { Stats } from "./stats.ts";
import { TABLE_LIVE, TableStore } from "./tables.ts";
import { type UffdContext, type Vma, VmaList } from "./vma.ts";

/** An address space (struct mm_struct) and the little of its process that matters. */
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
  /** The userfaultfd that registrations are made with: made by the first, replaced when the mode changes. */
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

/** No operation under way has unmapped anything. More tables than there can be. */
export const NO_TABLES_LEAST = 2 ** 30;

export class KernelState {
  declare readonly options: ResolvedOptions;
  /** What sort of kernel this is: paths ask it for a behaviour. */
  declare readonly profile: KernelProfile;
  declare readonly explored: boolean;
  declare readonly checked: boolean;
  declare readonly tables: TableStore;
  readonly stats = new Stats();
  declare readonly rng: Rng;
  readonly processes: Mm[] = [];
  readonly files = new Map<number, MappedFile>();
  /** Highest level of a table: LEVEL_P4D with four levels, LEVEL_PGD with five. */
  declare readonly rootLevel: number;
  declare readonly taskPages: number;
  timeNs = 0;
  declare hugetlbFree: number;
  nextAnonFile = -1;
  /** The fewest tables that an unmapping within the operation under way left (a mapping over others, or moved there, unmaps first). */
  leastTables = NO_TABLES_LEAST;
  /** Huge pages that fork left mapped in several processes, by row. */
  readonly hugeSharers = new Map<number, { count: number }>();

  // RCU: chains of rows through tables.parent (rcu.ts).
  rcuNext = 0;
  rcuWait = 0;
  rcuPending = 0;
  rcuEndNs = 0;

  // The explorer's world.
  cpu = 0;
  readonly points: SchedPoint[] = [newPoint(), newPoint(), newPoint(), newPoint()];
  readonly locks = new Map<number, number>();
  /** Readers inside rcu_read_lock, and CPUs with interrupts off. */
  readonly rcuReaders = new Set<number>();
  readonly irqsOff = new Set<number>();
  /** need_resched() is true for these CPUs the next time they ask. */
  readonly reschedPending: boolean[] = [false, false, false, false];
  /** Contents of pages by identity (a freed page has none); TLB entries by cpu. */
  readonly pages = new Map<number, number>();
  /** The next identity that each CPU gives out: what one CPU does changes no other's. */
  readonly nextPageIds = [1, 2, 3, 4];

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.profile = options.profile;
    this.explored = options.explored;
    this.checked = options.checked || options.explored;
    this.tables = new TableStore(options.explored ? 16 : 1024, !this.checked, options.tableBytesMax);
    this.rng = new Rng(options.seed);
    this.rootLevel = options.config.levels === 5 ? LEVEL_PGD : LEVEL_P4D;
    this.taskPages = taskPages(options.config.levels);
    this.hugetlbFree = options.profile.hugetlbPages;
  }

  /** A new address space with an empty root. */
  newMm(): Mm {
    const pgd = this.tables.alloc(this.rootLevel, TABLE_LIVE);
    const mm = new Mm(this.processes.length, pgd, this.taskPages);
    this.processes.push(mm);
    return mm;
  }
}

/** Tables that count as VmPTE. The root and P4D pages do not. */
export function countedTables(mm: Mm): number {
  return mm.ptes + mm.pmds + mm.puds;
}

/** VmPTE in kB: mm_pgtables_bytes() / 1024. */
export function pgtablesKb(mm: Mm): number {
  return countedTables(mm) * 4;
}

/** RSS in pages. */
export function rssPages(mm: Mm): number {
  return mm.rssAnon + mm.rssFile + mm.rssShmem;
}

/** The VMA's neighbours in its list. */
export function neighbours(mm: Mm, vma: Vma): { prev: Vma | undefined; next: Vma | undefined } {
  const index = mm.vmas.indexOf(vma);
  return { prev: mm.vmas.list[index - 1], next: mm.vmas.list[index + 1] };
}
