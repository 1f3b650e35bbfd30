/**
 * What must hold between operations. Every count is recounted by walking the tables:
 * in tests after every operation, in the app on demand. Takes time proportional to the number of tables.
 */

import { InvariantError } from "./error.ts";
import {
  LEVEL_PMD,
  LEVEL_PTE,
  LEVEL_PUD,
  P4D_PAGES,
  PGD5_PAGES,
  PMD_PAGES,
  PTRS_PER_TABLE,
  PUD_PAGES,
} from "./geometry.ts";
import { KIND_ANON, KIND_FILE, KIND_MASK, KIND_SWAP } from "./pte.ts";
import type { KernelState, Mm } from "./state.ts";
import { TABLE_DEPOSITED, TABLE_FREE, TABLE_HUGE_BARE, TABLE_LIVE } from "./tables.ts";
import { VM_HUGETLB, type Vma } from "./vma.ts";

/** Pages spanned by an entry of a table, by level. */
const ENTRY_PAGES = [1, PMD_PAGES, PUD_PAGES, P4D_PAGES, PGD5_PAGES];

interface Recount {
  ptes: number;
  pmds: number;
  puds: number;
  others: number;
  empty: number;
  anon: number;
  file: number;
  shmem: number;
  swap: number;
  hugetlb: number;
}

function fail(what: string): never {
  throw new InvariantError(what);
}

function equal(what: string, counted: number, recounted: number): void {
  if (counted !== recounted) fail(`${what}: counted ${counted}, recounted ${recounted}`);
}

class Walker {
  private readonly k: KernelState;
  private readonly mm: Mm;
  private readonly seen: Set<number>;
  readonly count: Recount = {
    ptes: 0,
    pmds: 0,
    puds: 0,
    others: 0,
    empty: 0,
    anon: 0,
    file: 0,
    shmem: 0,
    swap: 0,
    hugetlb: 0,
  };

  constructor(k: KernelState, mm: Mm, seen: Set<number>) {
    this.k = k;
    this.mm = mm;
    this.seen = seen;
  }

  private once(row: number): void {
    if (this.seen.has(row)) fail(`table ${row} is reachable twice`);
    this.seen.add(row);
    if (this.k.tables.state[row] === TABLE_FREE) fail(`table ${row} is reachable and was freed`);
  }

  private addPages(vma: Vma | undefined, page: number, kind: number, n: number): void {
    if (vma === undefined) {
      fail(`page ${page} of process ${this.mm.id} is mapped outside every VMA`);
    }
    if (kind === KIND_ANON) this.count.anon += n;
    else if (kind === KIND_SWAP) this.count.swap += n;
    else if (kind === KIND_FILE) {
      if ((vma.flags & VM_HUGETLB) !== 0) this.count.hugetlb += n;
      else if (vma.file?.shmem === true) this.count.shmem += n;
      else this.count.file += n;
    }
  }

  private pteTable(row: number, base: number): void {
    const { tables } = this.k;
    this.once(row);
    if (tables.state[row] !== TABLE_LIVE) fail(`PTE table ${row} is linked in state ${tables.state[row]}`);
    this.count.ptes++;
    let entries = 0;
    for (
      let at = tables.nextPte(row, 0, PTRS_PER_TABLE);
      at < PTRS_PER_TABLE;
      at = tables.nextPte(row, at + 1, PTRS_PER_TABLE)
    ) {
      entries++;
      this.addPages(this.mm.vmas.lookup(base + at), base + at, tables.pte(row, at) & KIND_MASK, 1);
    }
    equal(`entries of PTE table ${row}`, tables.count[row], entries);
    if (entries === 0) this.count.empty++;
  }

  private huge(row: number, base: number): void {
    const { tables } = this.k;
    this.once(row);
    const state = tables.state[row];
    if (state === TABLE_DEPOSITED) this.count.ptes++;
    else if (state !== TABLE_HUGE_BARE) fail(`huge page ${row} is in state ${state}`);
    const vma = this.mm.vmas.lookup(base);
    if (vma === undefined || vma.end < base + PMD_PAGES) fail(`huge page at ${base} is not inside one VMA`);
    this.addPages(vma, base, tables.huge(row) & KIND_MASK, PMD_PAGES);
  }

  /** The table `row` of `level` and all below it; it covers pages from `base` on. */
  table(row: number, level: number, base: number): void {
    if (level === LEVEL_PTE) {
      this.pteTable(row, base);
      return;
    }
    const { tables } = this.k;
    this.once(row);
    equal(`level of table ${row}`, tables.level[row], level);
    if (level === LEVEL_PMD) this.count.pmds++;
    else if (level === LEVEL_PUD) this.count.puds++;
    else this.count.others++;
    let entries = 0;
    for (
      let at = tables.nextChild(row, 0, PTRS_PER_TABLE);
      at < PTRS_PER_TABLE;
      at = tables.nextChild(row, at + 1, PTRS_PER_TABLE)
    ) {
      entries++;
      const entry = tables.child(row, at);
      const child = Math.abs(entry);
      if (tables.parent[child] !== row || tables.slot[child] !== at)
        fail(`table ${child} does not know that it is in ${row}[${at}]`);
      const start = base + at * ENTRY_PAGES[level];
      if (entry < 0) this.huge(child, start);
      else this.table(child, level - 1, start);
    }
    equal(`entries of table ${row}`, tables.count[row], entries);
  }
}

function checkVmas(k: KernelState, mm: Mm): void {
  let end = 0;
  let total = 0;
  for (const vma of mm.vmas.list) {
    if (vma.start < end || vma.end <= vma.start || vma.end > k.taskPages)
      fail(`VMA ${vma.start}-${vma.end} of process ${mm.id} is empty, out of order or out of range`);
    if (vma.anonVma !== null && !vma.chain.includes(vma.anonVma))
      fail(`VMA ${vma.start} has an anon_vma outside its chain`);
    end = vma.end;
    total += vma.end - vma.start;
  }
  equal(`total_vm of process ${mm.id}`, mm.totalVm, total);
}

function checkProcess(k: KernelState, mm: Mm, seen: Set<number>): Recount {
  checkVmas(k, mm);
  const walker = new Walker(k, mm, seen);
  walker.table(mm.pgd, k.rootLevel, 0);
  const { count } = walker;
  const who = `of process ${mm.id}`;
  equal(`PTE tables ${who}`, mm.ptes, count.ptes);
  equal(`PMD tables ${who}`, mm.pmds, count.pmds);
  equal(`PUD tables ${who}`, mm.puds, count.puds);
  equal(`anonymous pages ${who}`, mm.rssAnon, count.anon);
  equal(`file pages ${who}`, mm.rssFile, count.file);
  equal(`shmem pages ${who}`, mm.rssShmem, count.shmem);
  equal(`swap entries ${who}`, mm.swapEntries, count.swap);
  equal(`hugetlb pages ${who}`, mm.hugetlbPages, count.hugetlb);
  equal(`empty PTE tables ${who}`, k.tables.emptyOf[mm.id], count.empty);
  if (k.options.features.refcount && count.empty > 0)
    fail(`process ${mm.id} has ${count.empty} empty PTE tables in spite of their reference counts`);
  if (!mm.alive && count.ptes + count.pmds + count.puds > 0) fail(`process ${mm.id} has ended and has tables`);
  return count;
}

/**
 * Recounts everything. Throws InvariantError for the first mismatch: tables by level, entries of each
 * table, RSS by kind, swap, VIRT, empty tables; a table that is reachable twice or after it was freed; tables allocated that are neither
 * live, freed nor waiting for RCU.
 */
export function checkInvariants(k: KernelState): void {
  const seen = new Set<number>();
  let live = 0;
  for (const mm of k.processes) {
    const count = checkProcess(k, mm, seen);
    live += count.ptes + count.pmds + count.puds + count.others - 1;
  }
  equal(
    "tables allocated - freed - waiting for RCU",
    k.stats.tablesAllocated - k.stats.tablesFreed - k.rcuPending,
    live,
  );
}
