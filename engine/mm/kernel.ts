/**
 * The facade of the engine: a modelled Linux 6.18 kernel that runs operations of a workload on its processes.
 *
 *     const kernel = createKernel({ features: featuresOf("sync"), seed: 1 });
 *     const result = kernel.execute({ op: "touch", addr, len, access: "w" });
 */

import { type KernelOptions, resolveOptions } from "./config.ts";
import { executeOperation } from "./execute.ts";
import { scanAll } from "./free-pt.ts";
import { LEVEL_PTE, PAGE_SIZE, PTRS_PER_TABLE, pagesKb } from "./geometry.ts";
import { loadImage } from "./image.ts";
import type { Operation } from "./operation.ts";
import { executeOperation as executePlainly } from "./plain/execute.ts";
import { scanAll as scanAllPlainly } from "./plain/free-pt.ts";
import { loadImage as loadImagePlainly } from "./plain/image.ts";
import type { PolicyCost } from "./policy-cost.ts";
import { rcuTick } from "./rcu.ts";
import { newResult, type OpResult } from "./result.ts";
import { sampleInto } from "./sample.ts";
import type { DeclinedReason } from "./sample-columns.ts";
import { runAlone } from "./sched.ts";
import { KernelState, type Mm, NO_TABLES_LEAST, pgtablesKb, rssPages } from "./state.ts";
import { TABLE_LIVE } from "./tables.ts";

export type { KernelOptions } from "./config.ts";
export type { OpResult } from "./result.ts";

export class Kernel {
  declare readonly state: KernelState;
  /** Which form of the paths operations take (sched.ts). */
  declare private readonly explored: boolean;
  private readonly result: OpResult = newResult();
  private executed = 0;

  constructor(options: KernelOptions) {
    this.state = new KernelState(resolveOptions(options));
    const first = this.state.newMm();
    this.explored = this.state.options.explored;
    if (this.state.options.image !== "process") return;
    if (this.explored) runAlone(this.state, loadImage(this.state, first));
    else loadImagePlainly(this.state, first);
  }

  /** Operations executed so far. */
  get operations(): number {
    return this.executed;
  }

  /** Simulated time since the kernel was created, in ns. */
  get timeNs(): number {
    return this.state.timeNs;
  }

  /**
   * Runs one operation to its end, as the system call would. Returns its outcome in an object that the next call reuses.
   * Errors: EngineError where the operation names a process or file that cannot be.
   */
  execute(op: Operation): OpResult {
    this.executed++;
    if (this.explored) runAlone(this.state, executeOperation(this.state, op, this.result));
    else executePlainly(this.state, op, this.result);
    return this.result;
  }

  private process(id: number): Mm {
    const mm = this.state.processes[id];
    if (mm === undefined) throw new RangeError(`there is no process ${id}; there are ${this.state.processes.length}`);
    return mm;
  }

  /** VmPTE of a process in kB: its PTE, PMD and PUD tables. 0 once it has ended. */
  vmpteKb(process = 0): number {
    return pgtablesKb(this.process(process));
  }

  /** The least VmPTE in kB that the last operation passed through, where it unmapped before it did something else; else Infinity. */
  leastKb(): number {
    const { leastTables } = this.state;
    return leastTables === NO_TABLES_LEAST ? Number.POSITIVE_INFINITY : pagesKb(leastTables);
  }

  /** Live PTE tables without an entry, of a process. */
  emptyPteTables(process = 0): number {
    return this.state.tables.emptyOf[this.process(process).id];
  }

  /** Tells of live PTE tables that become empty, and that no longer are, from now on. */
  watchEmptyTables(watch: { emptied(row: number): void; filled(row: number): void }): void {
    this.state.tables.watch = watch;
  }

  /** Is the row a live PTE table without an entry? */
  isEmptyTable(row: number): boolean {
    const { tables } = this.state;
    return tables.state[row] === TABLE_LIVE && tables.level[row] === LEVEL_PTE && tables.count[row] === 0;
  }

  /** The address that a linked PTE table's first entry maps, in bytes. */
  tableAddress(row: number): number {
    const { parent, slot } = this.state.tables;
    let address = 0;
    let bytes = PTRS_PER_TABLE * PAGE_SIZE;
    for (let at = row; parent[at] !== 0; at = parent[at]) {
      address += slot[at] * bytes;
      bytes *= PTRS_PER_TABLE;
    }
    return address;
  }

  /** RSS of a process in kB. */
  rssKb(process = 0): number {
    return pagesKb(rssPages(this.process(process)));
  }

  /** VIRT of a process in kB. */
  virtKb(process = 0): number {
    return pagesKb(this.process(process).totalVm);
  }

  /** Fills one sample of process `process` into `row` (SAMPLE_COLUMNS.length numbers). `seq`: its number in the run. */
  sampleInto(row: Float64Array, seq: number, process = 0): void {
    sampleInto(this.state, this.process(process), seq, this.executed, row);
  }

  /** One whole pass of the background scanner, where the kernel has one. */
  scan(): void {
    if (this.state.options.features.scan === null) return;
    if (this.explored) runAlone(this.state, scanAll(this.state));
    else scanAllPlainly(this.state);
    rcuTick(this.state);
  }

  /** What freeing empty tables has cost so far. */
  cost(): PolicyCost {
    const { callerNs, longestCallNs, backgroundNs, rebuiltTables, tlbFlushesPaged, tlbFlushesFull } = this.state.stats;
    return {
      caller_ns: callerNs,
      longest_call_ns: longestCallNs,
      background_ns: backgroundNs,
      rebuilt_tables: rebuiltTables,
      tlb_flushes: tlbFlushesPaged + tlbFlushesFull,
    };
  }

  /** PTE tables that the policy freed, by either path. */
  get reclaimedPteTables(): number {
    return this.state.stats.reclaimedFast + this.state.stats.reclaimedSlow;
  }

  /** Of those, the ones that took the slow path. */
  get slowPathReclaims(): number {
    return this.state.stats.reclaimedSlow;
  }

  /** PTE tables that an advice left standing, by reason. */
  declined(): Record<DeclinedReason, number> {
    const stats = this.state.stats;
    return {
      below_pmd: stats.declinedBelowPmd,
      split_vma: stats.declinedSplitVma,
      entry_kept: stats.declinedEntryKept,
      refilled: stats.declinedRefilled,
      advice: stats.declinedAdvice,
    };
  }
}

/**
 * A kernel with one process. Deterministic: the same options and operations give the same numbers everywhere.
 * Throws EngineError for impossible options, such as `sync` on 32-bit or UP.
 */
export function createKernel(options: KernelOptions): Kernel {
  return new Kernel(options);
}
