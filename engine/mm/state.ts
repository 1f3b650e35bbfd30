/** The state of a modelled kernel: what every path takes as its first argument. */

import type { ResolvedOptions } from "./config.ts";
import type { MappedFile } from "./file.ts";
import type { MmuGather } from "./gather.ts";
import { LEVEL_P4D, LEVEL_PGD, pagesKb, taskPages } from "./geometry.ts";
import type { KernelProfile } from "./kernel-profile.ts";
import { Mm } from "./mm-struct.ts";
import { Rng } from "./rng.ts";
import { newPoint, type SchedPoint } from "./sched-point.ts";
import { Stats } from "./stats.ts";
import { TABLE_LIVE, TableStore } from "./tables.ts";
import { type ThpSettings, thpSettings } from "./thp-enabled.ts";
import type { Vma } from "./vma.ts";
import type { VmaWalk } from "./vma-walk.ts";

export { Mm } from "./mm-struct.ts";

/** TLB entries by CPU and page (tlb.ts); one that is watched hears of invalidations. */
export interface TlbMap extends Map<number, number> {
  invalidating?(start: number, end: number): void;
}

/** No operation under way has unmapped anything. More tables than there can be. */
export const NO_TABLES_LEAST = 2 ** 30;

/** Tables that there is room for from the start. */
const TABLE_ROWS = 1024;

export class KernelState {
  declare readonly options: ResolvedOptions;
  /** What sort of kernel this is: paths ask it for a behaviour. */
  declare readonly profile: KernelProfile;
  declare readonly thp: ThpSettings;
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
  /** When the next scan, or the next MADV_PT_RECLAIM in the program's place, is due; Infinity: never. */
  declare dueNs: number;
  /** The least share of a table that DONTNEED looks for reclaim at, in pages; Infinity: none. */
  declare readonly reclaimPages: number;
  /** What the reference count of a table costs, in ns, each time that its entries are mapped, set or cleared; 0: it has none. */
  declare readonly countNs: number;
  /** What the policy has cost the call under way, in ns; and whether that is a fault of a program's accesses, or no call at all. */
  callNs = 0;
  payer: "call" | "fault" | "nobody" = "call";
  /** Huge pages that fork left mapped in several processes, by row. */
  readonly hugeSharers = new Map<number, { count: number }>();

  /** What operations take turns with, so that none is made for each: null while one has it. */
  spareGather: MmuGather | null = null;
  spareVmaWalk: VmaWalk | null = null;

  // RCU: chains of rows through tables.parent (rcu.ts).
  rcuNext = 0;
  rcuWait = 0;
  rcuPending = 0;
  rcuEndNs = 0;

  // The explorer's world.
  cpu = 0;
  readonly points: SchedPoint[] = [newPoint(), newPoint(), newPoint(), newPoint()];
  readonly locks = new Map<number, number>();
  /**
   * Readers (as bits of CPUs) that each table in the hands of RCU still waits for, where it is they and not time that end grace
   * periods: in the explorer. Null: time does.
   */
  rcuWaiting: Map<number, number> | null = null;
  /** Readers inside rcu_read_lock, and CPUs with interrupts off. */
  readonly rcuReaders = new Set<number>();
  readonly irqsOff = new Set<number>();
  /** need_resched() is true for these CPUs the next time they ask. */
  readonly reschedPending: boolean[] = [false, false, false, false];
  /** References that walkers without a lock hold of PTE tables, by row (pte-ref.ts); a table that nobody walks is not in it. */
  readonly tableRefs = new Map<number, number>();
  /** Contents of pages by identity: a freed page has none. */
  readonly pages = new Map<number, number>();
  readonly tlb: TlbMap = new Map<number, number>();
  /** Parts of huge pages by the row of the table deposited under them: identity by index, of those that hold something. */
  readonly hugePages = new Map<number, Map<number, number>>();
  /** The next identity that each CPU gives out: what one CPU does changes no other's. */
  readonly nextPageIds = [1, 2, 3, 4];

  constructor(options: ResolvedOptions) {
    this.options = options;
    this.profile = options.profile;
    this.thp = thpSettings(options.profile);
    this.checked = options.checked;
    this.tables = new TableStore(TABLE_ROWS, !this.checked, options.tableBytesMax);
    const { features, patches, cost } = options;
    this.reclaimPages = patches.reclaim ? features.reclaimPages : Number.POSITIVE_INFINITY;
    this.countNs = features.refcount ? cost.atomic : 0;
    this.dueNs = Math.min(features.scan?.intervalNs ?? Infinity, features.ask?.intervalNs ?? Infinity);
    if (features.refcount) this.tables.emptied = [];
    this.rng = new Rng(options.seed);
    this.rootLevel = options.config.levels === 5 ? LEVEL_PGD : LEVEL_P4D;
    this.taskPages = taskPages(options.config.levels);
    this.hugetlbFree = options.profile.hugetlbPages;
  }

  /** A new address space with an empty root. */
  newMm(): Mm {
    const pgd = this.tables.alloc(this.rootLevel, TABLE_LIVE);
    this.tables.setOwner(pgd, this.processes.length);
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
  return pagesKb(countedTables(mm));
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
