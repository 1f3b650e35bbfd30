/** A table store that records every access, and catches those through a freed table where they happen. */

import { TABLE_BYTES_MAX } from "../mm/config.ts";
import { PTRS_PER_TABLE } from "../mm/geometry.ts";
import { schedObject } from "../mm/sched.ts";
import type { KernelState } from "../mm/state.ts";
import { TABLE_FREE, TABLE_GATHERED, TABLE_LIVE, TABLE_RCU, TableStore } from "../mm/tables.ts";
import {
  CPUS_MAX,
  NO_DOUBLE_FREE,
  NO_FREED_ACCESS,
  OBJ_CHILD,
  OBJ_CHILDREN,
  OBJ_ENTRIES,
  OBJ_ENTRY,
  OBJ_LIFE,
  OBJ_WHOLE,
  ONE_BY_ONE_MAX,
  READER_SAFE,
  StepViolation,
  type Trace,
} from "./trace.ts";

/** Tables that one CPU may allocate in a run, and room for those and the set-up's. */
const ROWS_PER_CPU = 16;
const CAPACITY = 128;
/** The level of a row that was never allocated. */
const LEVEL_NEVER = 255;

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
  readonly blocks: Uint32Array;
  readonly blockTop: number;
  readonly freeBlocks: readonly number[];
  readonly upper: Int32Array;
  readonly upperTop: number;
  readonly freeUpper: readonly number[];
  readonly emptyOf: readonly number[];
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
    super(CAPACITY, false, TABLE_BYTES_MAX);
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
        "the PTE lock of the table under a PMD entry is taken, and the entry is none: the table is gone",
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
    if (end - from > ONE_BY_ONE_MAX) this.trace.write(schedObject(OBJ_WHOLE, row));
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
      blocks: this.blocks.slice(0, this.blockTop * PTRS_PER_TABLE),
      blockTop: this.blockTop,
      freeBlocks: [...this.freeBlocks],
      upper: this.upper.slice(0, this.upperTop * PTRS_PER_TABLE),
      upperTop: this.upperTop,
      freeUpper: [...this.freeUpper],
      emptyOf: [...this.emptyOf],
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
    this.blocks.set(saved.blocks);
    this.blockTop = saved.blockTop;
    this.freeBlocks = [...saved.freeBlocks];
    this.upper.set(saved.upper);
    this.upper.fill(0, saved.upper.length, this.upperTop * PTRS_PER_TABLE);
    this.upperTop = saved.upperTop;
    this.freeUpper = [...saved.freeUpper];
    this.emptyOf.splice(0, this.emptyOf.length, ...saved.emptyOf);
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

  peekHuge(row: number): number {
    return super.huge(row);
  }

  peekChild(row: number, index: number): number {
    return super.child(row, index);
  }

  peekNextChild(row: number, from: number, end: number): number {
    return super.nextChild(row, from, end);
  }
}
