/**
 * The explored kernel's state, watched: every read and write of shared state goes into the footprint of the step that did
 * it, and an access through a freed table is caught where it happens.
 */

import { PTRS_PER_TABLE } from "../mm/geometry.ts";
import { OBJ_TLB, schedObject } from "../mm/sched.ts";
import type { KernelState, Mm } from "../mm/state.ts";
import { TABLE_FREE, TABLE_GATHERED, TABLE_LIVE, TABLE_RCU, TableStore } from "../mm/tables.ts";
import { keepTlbIn, type TlbMap, tlbKeyParts } from "../mm/tlb.ts";
import { access, type Footprint } from "./program.ts";

/** Objects of the explorer's own; the kernel's (sched.ts) stay below. */
/** Which entries of a PTE table are none; one entry; all entries at once. */
const OBJ_ENTRIES = 32;
const OBJ_ENTRY = 41;
const OBJ_WHOLE = 42;
/** One for each CPU. */
const OBJ_TLB_ENTRY = 43;
const OBJ_VMAS = 48;
const FILLED_ONE_BY_ONE = 4;
const OBJ_CHILD = 33;
const OBJ_CHILDREN = 34;
const OBJ_LIFE = 35;
const OBJ_READER = 36;
const OBJ_IRQ = 37;
const OBJ_CONTENTS = 38;

/** Tables that one CPU may allocate in a run, and room for those and the set-up's. */
const ROWS_PER_CPU = 16;
const CAPACITY = 128;
/** The level of a row that was never allocated. */
const LEVEL_NEVER = 255;

const CPUS_MAX = 4;

export const NO_FREED_ACCESS = "no access through a freed table";
export const NO_DOUBLE_FREE = "no table freed twice or freed while reachable";
export const READER_SAFE = "a reader inside rcu_read_lock never sees its table freed";
export const NO_LOST_WRITE = "no write lost";

/** Thrown by a step that breaks an invariant. */
export class StepViolation extends Error {
  override readonly name = "StepViolation";
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(detail);
    this.invariant = invariant;
  }
}

/** The footprint of the step under way; records while `on`. */
export class Trace {
  on = false;
  private accesses: number[] = [];

  begin(record: boolean): void {
    this.on = record;
    if (record) this.accesses = [];
  }

  take(): Footprint {
    return this.accesses;
  }

  read(object: number): void {
    if (this.on) this.add(access(object, false));
  }

  write(object: number): void {
    if (this.on) this.add(access(object, true));
  }

  private add(entry: number): void {
    const accesses = this.accesses;
    if (accesses[accesses.length - 1] !== entry && !accesses.includes(entry)) accesses.push(entry);
  }
}

/** What TracedTables.save() returns. */
export interface SavedTables {
  readonly top: number;
  readonly parent: Int32Array;
  readonly slot: Uint16Array;
  readonly level: Uint8Array;
  readonly state: Uint8Array;
  readonly count: Uint16Array;
  readonly run: Uint32Array;
  readonly value: Uint32Array;
  readonly form: Uint8Array;
  readonly blocks: Uint32Array;
  readonly blockTop: number;
  readonly freeBlocks: readonly number[];
  readonly upper: Int32Array;
  readonly upperTop: number;
  readonly freeUpper: readonly number[];
  readonly emptyPteTables: number;
}

/** A table store that records accesses and refuses those that no kernel survives. */
export class TracedTables extends TableStore {
  private readonly trace: Trace;
  private readonly k: KernelState;
  /** The first row of CPU 0's own; 0: rows are not divided yet. */
  private reserved = 0;
  private readonly allocated = new Array<number>(CPUS_MAX).fill(0);
  /** Tables that were handed over and are not freed yet. */
  readonly detached: number[] = [];

  constructor(k: KernelState, trace: Trace) {
    super(CAPACITY, false);
    this.k = k;
    this.trace = trace;
  }

  /** The running CPU uses the memory of a table. */
  private use(row: number): void {
    this.trace.read(schedObject(OBJ_LIFE, row));
    if (this.state[row] === TABLE_FREE) this.refuse(row);
  }

  private refuse(row: number): never {
    const { k } = this;
    const inside = k.rcuReaders.has(k.cpu);
    throw new StepViolation(
      inside ? READER_SAFE : NO_FREED_ACCESS,
      `table ${row} is accessed after it was freed${inside ? ", inside rcu_read_lock" : ""}`,
    );
  }

  /** The lock of a table lives in its page's descriptor: taking it is an access, too. */
  useLock(row: number): void {
    if (row <= 0)
      throw new StepViolation(
        NO_FREED_ACCESS,
        "the PTE lock of the table under a PMD entry is taken, and the entry is none: the table has gone",
      );
    this.use(row);
  }

  /** From here on each CPU allocates rows of its own, so that allocations by different CPUs commute. */
  reserve(): void {
    this.reserved = this.top;
    this.top += CPUS_MAX * ROWS_PER_CPU;
    if (this.top > CAPACITY)
      throw new Error(`a scenario's set-up makes ${this.reserved} tables; there is room for fewer`);
    this.level.fill(LEVEL_NEVER, this.reserved, this.top);
  }

  override alloc(level: number, state: number): number {
    if (this.reserved > 0) {
      const { cpu } = this.k;
      if (this.allocated[cpu] === ROWS_PER_CPU)
        throw new Error(`CPU ${cpu} allocates more than ${ROWS_PER_CPU} tables`);
      this.freeHead = this.reserved + cpu * ROWS_PER_CPU + this.allocated[cpu]++;
      this.parent[this.freeHead] = 0;
    }
    const row = super.alloc(level, state);
    this.trace.write(schedObject(OBJ_LIFE, row));
    return row;
  }

  override free(row: number): void {
    this.trace.write(schedObject(OBJ_LIFE, row));
    if (this.state[row] === TABLE_FREE) throw new StepViolation(NO_DOUBLE_FREE, `table ${row} is freed a second time`);
    const parent = this.parent[row];
    if (this.state[row] === TABLE_LIVE && parent !== 0 && super.child(parent, this.slot[row]) === row)
      throw new StepViolation(NO_DOUBLE_FREE, `table ${row} is freed while its PMD entry points to it`);
    super.free(row);
    const at = this.detached.indexOf(row);
    if (at >= 0) this.detached.splice(at, 1);
  }

  override setState(row: number, state: number): void {
    this.trace.write(schedObject(OBJ_LIFE, row));
    const old = this.state[row];
    if (state === TABLE_GATHERED && (old === TABLE_GATHERED || old === TABLE_RCU || old === TABLE_FREE))
      throw new StepViolation(NO_DOUBLE_FREE, `table ${row} is handed over to be freed a second time`);
    super.setState(row, state);
    if (state === TABLE_GATHERED) this.detached.push(row);
  }

  override child(row: number, index: number): number {
    this.use(row);
    this.trace.read(schedObject(OBJ_CHILD, row, index));
    return super.child(row, index);
  }

  override setChild(row: number, index: number, entry: number): void {
    this.use(row);
    this.trace.write(schedObject(OBJ_CHILD, row, index));
    this.trace.write(schedObject(OBJ_CHILDREN, row));
    super.setChild(row, index, entry);
  }

  override nextChild(row: number, from: number, end: number): number {
    this.use(row);
    this.trace.read(schedObject(OBJ_CHILDREN, row));
    return super.nextChild(row, from, end);
  }

  override pte(row: number, index: number): number {
    this.use(row);
    this.trace.read(schedObject(OBJ_ENTRY, row, index));
    this.trace.read(schedObject(OBJ_WHOLE, row));
    return super.pte(row, index);
  }

  override stretchEnd(row: number, index: number, end: number): number {
    this.use(row);
    this.trace.read(schedObject(OBJ_ENTRIES, row));
    return super.stretchEnd(row, index, end);
  }

  override nextPte(row: number, from: number, end: number): number {
    this.use(row);
    this.trace.read(schedObject(OBJ_ENTRIES, row));
    return super.nextPte(row, from, end);
  }

  override fillPte(row: number, from: number, end: number, pte: number): void {
    this.use(row);
    this.trace.write(schedObject(OBJ_ENTRIES, row));
    if (end - from > FILLED_ONE_BY_ONE) this.trace.write(schedObject(OBJ_WHOLE, row));
    else for (let at = from; at < end; at++) this.trace.write(schedObject(OBJ_ENTRY, row, at));
    super.fillPte(row, from, end, pte);
  }

  override changePtes(row: number, from: number, end: number, change: (pte: number) => number): void {
    this.use(row);
    this.trace.write(schedObject(OBJ_ENTRIES, row));
    this.trace.write(schedObject(OBJ_WHOLE, row));
    super.changePtes(row, from, end, change);
  }

  override huge(row: number): number {
    this.trace.read(schedObject(OBJ_LIFE, row));
    return super.huge(row);
  }

  override setHuge(row: number, entry: number): void {
    this.trace.write(schedObject(OBJ_LIFE, row));
    super.setHuge(row, entry);
  }

  /** A copy of everything, for restore(). */
  save(): SavedTables {
    const { top } = this;
    return {
      top,
      parent: this.parent.slice(0, top),
      slot: this.slot.slice(0, top),
      level: this.level.slice(0, top),
      state: this.state.slice(0, top),
      count: this.count.slice(0, top),
      run: this.run.slice(0, top),
      value: this.value.slice(0, top),
      form: this.form.slice(0, top),
      blocks: this.blocks.slice(0, this.blockTop * PTRS_PER_TABLE),
      blockTop: this.blockTop,
      freeBlocks: [...this.freeBlocks],
      upper: this.upper.slice(0, this.upperTop * PTRS_PER_TABLE),
      upperTop: this.upperTop,
      freeUpper: [...this.freeUpper],
      emptyPteTables: this.emptyPteTables,
    };
  }

  /** Back to what save() saw. */
  restore(saved: SavedTables): void {
    this.top = saved.top;
    this.parent.set(saved.parent);
    this.slot.set(saved.slot);
    this.level.set(saved.level);
    this.state.set(saved.state);
    this.count.set(saved.count);
    this.run.set(saved.run);
    this.value.set(saved.value);
    this.form.set(saved.form);
    this.blocks.set(saved.blocks);
    this.blockTop = saved.blockTop;
    this.freeBlocks = [...saved.freeBlocks];
    this.upper.set(saved.upper);
    this.upper.fill(0, saved.upper.length, this.upperTop * PTRS_PER_TABLE);
    this.upperTop = saved.upperTop;
    this.freeUpper = [...saved.freeUpper];
    this.emptyPteTables = saved.emptyPteTables;
    this.allocated.fill(0);
    this.detached.length = 0;
  }

  /** Entries of a table without leaving a trace: for checks and for showing state. */
  peekPte(row: number, index: number): number {
    return super.pte(row, index);
  }

  peekNextPte(row: number, from: number, end: number): number {
    return super.nextPte(row, from, end);
  }

  peekChild(row: number, index: number): number {
    return super.child(row, index);
  }

  peekNextChild(row: number, from: number, end: number): number {
    return super.nextChild(row, from, end);
  }
}

/** A set of CPUs (readers, interrupts off) that records who looks at it. */
export class TracedCpus extends Set<number> {
  private readonly trace: Trace;
  private readonly kind: number;

  constructor(trace: Trace, kind: typeof OBJ_READER | typeof OBJ_IRQ) {
    super();
    this.trace = trace;
    this.kind = kind;
  }

  override add(cpu: number): this {
    this.trace.write(schedObject(this.kind, cpu));
    return super.add(cpu);
  }

  override delete(cpu: number): boolean {
    this.trace.write(schedObject(this.kind, cpu));
    return super.delete(cpu);
  }

  override [Symbol.iterator](): SetIterator<number> {
    for (let cpu = 0; cpu < CPUS_MAX; cpu++) this.trace.read(schedObject(this.kind, cpu));
    return super[Symbol.iterator]();
  }
}

/** Contents of pages by identity, recording. */
export class TracedPages extends Map<number, number> {
  private readonly trace: Trace;

  constructor(trace: Trace) {
    super();
    this.trace = trace;
  }

  override get(id: number): number | undefined {
    this.trace.read(schedObject(OBJ_CONTENTS, id));
    return super.get(id);
  }

  override has(id: number): boolean {
    this.trace.read(schedObject(OBJ_CONTENTS, id));
    return super.has(id);
  }

  override set(id: number, value: number): this {
    // The constructor of Map may call set before the field is there.
    this.trace?.write(schedObject(OBJ_CONTENTS, id));
    return super.set(id, value);
  }

  override delete(id: number): boolean {
    this.trace.write(schedObject(OBJ_CONTENTS, id));
    return super.delete(id);
  }
}

/** The TLBs of all CPUs, recording. An invalidation concerns every CPU, whether it has the entry or not. */
export class TracedTlb extends Map<number, number> implements TlbMap {
  private readonly trace: Trace;

  constructor(trace: Trace) {
    super();
    this.trace = trace;
  }

  override get(key: number): number | undefined {
    const [cpu, page] = tlbKeyParts(key);
    this.trace.read(tlbEntry(cpu, page));
    this.trace.read(schedObject(OBJ_TLB, cpu));
    return super.get(key);
  }

  override set(key: number, pte: number): this {
    const [cpu, page] = tlbKeyParts(key);
    this.trace.write(tlbEntry(cpu, page));
    this.trace.read(schedObject(OBJ_TLB, cpu));
    return super.set(key, pte);
  }

  invalidating(start: number, end: number): void {
    for (let cpu = 0; cpu < CPUS_MAX; cpu++) {
      if (end - start > FILLED_ONE_BY_ONE) this.trace.write(schedObject(OBJ_TLB, cpu));
      else for (let page = start; page < end; page++) this.trace.write(tlbEntry(cpu, page));
    }
  }
}

/** The TLB entry of one page on one CPU. Pages of scenarios are below 2^28. */
function tlbEntry(cpu: number, page: number): number {
  return schedObject(OBJ_TLB_ENTRY + cpu, 0, page);
}

/** The list of a process's VMAs: looked up by faults without the lock that its changes are made under. */
export function vmaListObject(mm: Mm): number {
  return schedObject(OBJ_VMAS, mm.id);
}

/** Records changes of a process's list of VMAs. A VMA's own fields change under its lock. */
export function watchVmas(mm: Mm, trace: Trace): void {
  const { vmas } = mm;
  const object = vmaListObject(mm);
  const insert = vmas.insert.bind(vmas);
  const remove = vmas.remove.bind(vmas);
  const cut = vmas.cut.bind(vmas);
  vmas.insert = (vma) => {
    trace.write(object);
    insert(vma);
  };
  vmas.remove = (vma) => {
    trace.write(object);
    remove(vma);
  };
  vmas.cut = (index, count) => {
    trace.write(object);
    return cut(index, count);
  };
}

/** Replaces a fresh kernel's state by watched state. Call before it has any process. */
export function watch(k: KernelState, trace: Trace): TracedTables {
  const tables = new TracedTables(k, trace);
  Object.assign(k, {
    tables,
    rcuReaders: new TracedCpus(trace, OBJ_READER),
    irqsOff: new TracedCpus(trace, OBJ_IRQ),
    pages: new TracedPages(trace),
  });
  keepTlbIn(k, new TracedTlb(trace));
  return tables;
}
