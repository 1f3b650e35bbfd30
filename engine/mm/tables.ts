/**
 * The store of page-table pages: rows of growable typed arrays, one row per table, shared by all processes.
 *
 * A PTE table keeps its entries in one of two forms. *Run*: entries [start, end) all hold one value and the rest is
 * none; that covers tables that are empty, filled alike, or touched in one stretch, and needs no entry storage at all.
 * *Block*: 512 words in a pool. A table goes from run to block when it stops being one run, and back when it empties.
 * Upper tables always own a block of 512 signed words: 0 none, > 0 the row of the child table, < 0 (PMD tables only) minus
 * the row of a huge page (see thp.ts), whose deposited PTE table that row also is.
 *
 * Rows are recycled, except in a checked kernel, where a freed row stays freed so that any later access is caught.
 *
 * Here and in other long-lived classes of the engine, fields that the constructor sets are `declare`d:
 * otherwise a field would start as `undefined`, and the engine (V8) would treat it as untyped from then on.
 */

import { EngineError } from "./error.ts";
import * as geometry from "./geometry.ts";

// Bound here, so that they are constants to the compiler (geometry.ts).
const { LEVEL_PTE, PTRS_PER_TABLE } = geometry;

/** Row states. */
export const TABLE_FREE = 0;
/** Linked into a parent (or the root of a process). */
export const TABLE_LIVE = 1;
/** Deposited under a huge PMD: counted as a PTE table, holds no entries; the row's value is the huge entry. */
export const TABLE_DEPOSITED = 2;
/** A huge PMD without a deposited table (file memory, hugetlb): a record, not a table, counted nowhere. */
export const TABLE_HUGE_BARE = 3;
/** Detached from its parent and waiting in an mmu_gather. */
export const TABLE_GATHERED = 4;
/** Waiting for an RCU grace period. */
export const TABLE_RCU = 5;
/** Allocated and not yet installed (prealloc_pte, pte_alloc_one). */
export const TABLE_UNLINKED = 6;

/** In place of a run: the table is in block form. No run begins there. */
const BLOCK = 0xffff;

/** Words of freedMarks a PMD table. */
const MARK_WORDS = PTRS_PER_TABLE / 32;

const INITIAL_ROWS_MIN = 16;
/** Of all columns. */
const BYTES_PER_ROW = 19;

function grownCapacity(capacity: number): number {
  return capacity < 1 << 16 ? capacity * 4 : capacity < 1 << 20 ? capacity * 2 : Math.floor(capacity * 1.25);
}

export class TableStore {
  /** Row of the table that holds this one's entry; next row in a chain for rows that are not linked. */
  declare parent: Int32Array;
  /** Index of this table's entry in its parent. */
  declare slot: Uint16Array;
  declare level: Uint8Array;
  declare state: Uint8Array;
  /** Entries that are not none. */
  declare count: Uint16Array;
  /**
   * Run form: start of the run (low 16 bits) and end (high 16 bits); both 0 where it is empty. Block form: BLOCK. Upper tables: the
   * number of their process.
   */
  declare protected run: Uint32Array;
  /** Run form: the value of every entry in the run. Block form and upper tables: the block's index. */
  declare protected value: Uint32Array;

  declare protected blocks: Uint32Array;
  protected blockTop = 0;
  protected freeBlocks: number[] = [];

  declare upper: Int32Array;
  protected upperTop = 0;
  protected freeUpper: number[] = [];

  /** Rows in use or once used; row 0 is never used. */
  top = 1;
  protected freeHead = 0;
  declare private readonly recycle: boolean;
  declare private readonly bytesMax: number;
  /** Live PTE tables all of whose entries are none, by process. */
  readonly emptyOf: number[] = [];
  /** Rows of tables that became empty while live, for policies that free tables by their count; null: no such policy. */
  emptied: number[] | null = null;
  /** Told of every live PTE table that becomes empty, and that no longer is; null: nobody asks. */
  watch: { emptied(row: number): void; filled(row: number): void } | null = null;
  /** One bit an entry of a PMD table: a policy has freed what was there. Made when first needed. */
  private freedMarks = new Uint32Array(0);

  /**
   * `rows`: how many rows to make room for at first. `recycle`: false keeps freed rows freed for ever. `bytesMax`: what
   * the store may grow to.
   */
  constructor(rows: number, recycle: boolean, bytesMax: number) {
    const capacity = Math.max(rows, INITIAL_ROWS_MIN);
    this.recycle = recycle;
    this.bytesMax = bytesMax;
    this.parent = new Int32Array(capacity);
    this.slot = new Uint16Array(capacity);
    this.level = new Uint8Array(capacity);
    this.state = new Uint8Array(capacity);
    this.count = new Uint16Array(capacity);
    this.run = new Uint32Array(capacity);
    this.value = new Uint32Array(capacity);
    this.blocks = new Uint32Array(PTRS_PER_TABLE * 4);
    this.upper = new Int32Array(PTRS_PER_TABLE * 16);
  }

  /** Throws EngineError where the store would be larger than it may be, with so many rows, words and upper words. */
  private requireRoom(rows: number, words: number, upperWords: number): void {
    if (rows * BYTES_PER_ROW + (words + upperWords) * 4 <= this.bytesMax) return;
    const gb = this.bytesMax / 2 ** 30;
    throw new EngineError(
      `The model needs more than ${Number(gb.toFixed(1))} GB for the page tables of this workload`,
      {
        why: `${(this.top - 1).toLocaleString("en-US")} tables are in use, and it would need more`,
        todo: "Make it smaller: less memory, touched more sparsely, or fewer processes at a time",
      },
    );
  }

  private grow(): void {
    const capacity = grownCapacity(this.parent.length);
    this.requireRoom(capacity, this.blocks.length, this.upper.length);
    const enlarge = <T extends Int32Array | Uint32Array | Uint16Array | Uint8Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.parent = enlarge(this.parent, new Int32Array(capacity));
    this.slot = enlarge(this.slot, new Uint16Array(capacity));
    this.level = enlarge(this.level, new Uint8Array(capacity));
    this.state = enlarge(this.state, new Uint8Array(capacity));
    this.count = enlarge(this.count, new Uint16Array(capacity));
    this.run = enlarge(this.run, new Uint32Array(capacity));
    this.value = enlarge(this.value, new Uint32Array(capacity));
  }

  /** A row for a table of `level`, all entries none, in state `state`. Returns the row (> 0). */
  alloc(level: number, state: number): number {
    let row = this.freeHead;
    if (row !== 0) {
      this.freeHead = this.parent[row];
    } else {
      row = this.top;
      if (row >= this.parent.length) this.grow();
      this.top = row + 1;
    }
    this.parent[row] = 0;
    this.slot[row] = 0;
    this.level[row] = level;
    this.state[row] = state;
    this.count[row] = 0;
    this.run[row] = 0;
    this.value[row] = level === LEVEL_PTE ? 0 : this.allocUpper();
    return row;
  }

  /** The table's memory goes back: nothing may use the row any more. */
  free(row: number): void {
    if (this.level[row] !== LEVEL_PTE) this.freeUpper.push(this.value[row]);
    else if (this.run[row] === BLOCK) this.freeBlocks.push(this.value[row]);
    this.state[row] = TABLE_FREE;
    this.run[row] = 0;
    this.count[row] = 0;
    if (this.recycle) {
      this.parent[row] = this.freeHead;
      this.freeHead = row;
    }
  }

  private allocUpper(): number {
    const recycled = this.freeUpper.pop();
    if (recycled !== undefined) {
      this.freedMarks.fill(0, recycled * MARK_WORDS, (recycled + 1) * MARK_WORDS);
      this.upper.fill(0, recycled * PTRS_PER_TABLE, (recycled + 1) * PTRS_PER_TABLE);
      return recycled;
    }
    const block = this.upperTop++;
    if ((block + 1) * PTRS_PER_TABLE > this.upper.length) {
      const words = Math.max(Math.floor(this.upper.length * 1.5), (block + 1) * PTRS_PER_TABLE);
      this.requireRoom(this.parent.length, this.blocks.length, words);
      const grown = new Int32Array(words);
      grown.set(this.upper);
      this.upper = grown;
      if (this.freedMarks.length > 0) this.makeMarks();
    }
    return block;
  }

  private allocBlock(): number {
    const recycled = this.freeBlocks.pop();
    if (recycled !== undefined) return recycled;
    const block = this.blockTop++;
    if ((block + 1) * PTRS_PER_TABLE > this.blocks.length) {
      const words = Math.max(Math.floor(this.blocks.length * 1.5), (block + 1) * PTRS_PER_TABLE);
      this.requireRoom(this.parent.length, words, this.upper.length);
      const grown = new Uint32Array(words);
      grown.set(this.blocks);
      this.blocks = grown;
    }
    return block;
  }

  // --- upper tables -------------------------------------------------------------------------------------------------

  /** Entry `index` of an upper table: 0, a child's row, or minus the row of a huge page. */
  child(row: number, index: number): number {
    return this.upper[this.value[row] * PTRS_PER_TABLE + index];
  }

  /** Sets entry `index` of an upper table and keeps the count; the child's parent and slot are set too. */
  setChild(row: number, index: number, entry: number): void {
    const at = this.value[row] * PTRS_PER_TABLE + index;
    const old = this.upper[at];
    if (old === 0 && entry !== 0) this.count[row]++;
    else if (old !== 0 && entry === 0) this.count[row]--;
    this.upper[at] = entry;
    if (entry !== 0) {
      const child = entry > 0 ? entry : -entry;
      this.parent[child] = row;
      this.slot[child] = index;
    }
  }

  /** First index in [from, end) of an upper table whose entry is not none, or `end`. */
  nextChild(row: number, from: number, end: number): number {
    if (this.count[row] === 0) return end;
    const upper = this.upper;
    const base = this.value[row] * PTRS_PER_TABLE;
    let index = from;
    while (index < end && upper[base + index] === 0) index++;
    return index;
  }

  /** The process of an upper table. */
  owner(row: number): number {
    return this.run[row];
  }

  setOwner(row: number, process: number): void {
    this.run[row] = process;
    this.emptyOf[process] ??= 0;
  }

  private makeMarks(): void {
    const marks = new Uint32Array(Math.ceil(this.upper.length / PTRS_PER_TABLE) * MARK_WORDS);
    marks.set(this.freedMarks);
    this.freedMarks = marks;
  }

  /** Remembers that a policy has freed the table that was under entry `index` of a PMD table. */
  markFreed(row: number, index: number): void {
    if (this.freedMarks.length === 0) this.makeMarks();
    this.freedMarks[this.value[row] * MARK_WORDS + (index >> 5)] |= 1 << (index & 31);
  }

  /** Forgets it; was it so? */
  takeMark(row: number, index: number): boolean {
    if (this.freedMarks.length === 0) return false;
    const at = this.value[row] * MARK_WORDS + (index >> 5);
    const bit = 1 << (index & 31);
    if ((this.freedMarks[at] & bit) === 0) return false;
    this.freedMarks[at] &= ~bit;
    return true;
  }

  /** Forgets it for entries [from, end): what was there would have gone without a policy, too. */
  forgetMarks(row: number, from: number, end: number): void {
    if (this.freedMarks.length === 0) return;
    for (let index = from; index < end; index++) this.takeMark(row, index);
  }

  // --- PTE tables ---------------------------------------------------------------------------------------------------

  /** Entry `index` of a PTE table. */
  pte(row: number, index: number): number {
    const run = this.run[row];
    if (run === BLOCK) return this.blocks[this.value[row] * PTRS_PER_TABLE + index];
    return index >= (run & 0xffff) && index < run >>> 16 ? this.value[row] : 0;
  }

  /** Where the stretch of equal entries that begins at `index` ends, at most `end`. Cheap for tables in run form. */
  stretchEnd(row: number, index: number, end: number): number {
    const run = this.run[row];
    if (run === BLOCK) return this.stretchInBlock(row, index, end);
    const start = run & 0xffff;
    const stop = run >>> 16;
    const edge = index < start ? start : index < stop ? stop : end;
    return edge < end ? edge : end;
  }

  private stretchInBlock(row: number, index: number, end: number): number {
    const blocks = this.blocks;
    const base = this.value[row] * PTRS_PER_TABLE;
    const value = blocks[base + index];
    let next = index + 1;
    while (next < end && blocks[base + next] === value) next++;
    return next;
  }

  /** First index in [from, end) whose entry is not none, or `end`. */
  nextPte(row: number, from: number, end: number): number {
    const run = this.run[row];
    if (run === BLOCK) return this.nextInBlock(row, from, end);
    const start = run & 0xffff;
    const next = from < start ? start : from < run >>> 16 ? from : end;
    return next < end ? next : end;
  }

  private nextInBlock(row: number, from: number, end: number): number {
    const blocks = this.blocks;
    const base = this.value[row] * PTRS_PER_TABLE;
    let index = from;
    while (index < end && blocks[base + index] === 0) index++;
    return index;
  }

  /** Sets entry `index` of a PTE table to `pte` (which may be none) and keeps the counts. */
  setPte(row: number, index: number, pte: number): void {
    this.fillPte(row, index, index + 1, pte);
  }

  /** Sets entries [from, end) of a PTE table to `pte` and keeps the counts. Needs from < end. */
  fillPte(row: number, from: number, end: number, pte: number): void {
    const before = this.count[row];
    let after = this.fillRun(row, from, end, pte);
    if (after < 0) after = this.fillBlock(row, from, end, pte);
    this.count[row] = after;
    if ((before === 0) !== (after === 0) && this.state[row] === TABLE_LIVE) this.countEmpty(row, after === 0 ? 1 : -1);
  }

  /** A live PTE table has become empty (1), or is no more so or no more live (-1). */
  private countEmpty(row: number, change: 1 | -1): void {
    this.emptyOf[this.run[this.parent[row]]] += change;
    if (change === 1 && this.emptied !== null) this.emptied.push(row);
    if (this.watch === null) return;
    if (change === 1) this.watch.emptied(row);
    else this.watch.filled(row);
  }

  /** fillPte() of a table that is and stays a run. Returns the number of entries that are not none; -1: the table is not a run, or would not stay one. */
  private fillRun(row: number, from: number, end: number, pte: number): number {
    const run = this.run[row];
    if (run === BLOCK) return -1;
    let start = run & 0xffff;
    let stop = run >>> 16;
    if (pte === 0) {
      if (end <= start || from >= stop) return stop - start;
      if (from <= start) start = end;
      else if (end >= stop) stop = from;
      else return -1;
      if (start >= stop) start = stop = 0;
    } else if (start === stop || (from <= start && end >= stop)) {
      this.value[row] = pte;
      start = from;
      stop = end;
    } else if (pte === this.value[row] && from <= stop && end >= start) {
      if (from < start) start = from;
      if (end > stop) stop = end;
    } else return -1;
    this.run[row] = start | (stop << 16);
    return stop - start;
  }

  /** fillPte() of a table in block form, which a run becomes; and a run again where it can. Returns as fillRun(). */
  private fillBlock(row: number, from: number, end: number, pte: number): number {
    if (this.run[row] !== BLOCK) this.toBlock(row);
    const blocks = this.blocks;
    const base = this.value[row] * PTRS_PER_TABLE;
    let count = this.count[row];
    for (let at = base + from; at < base + end; at++) {
      if (blocks[at] !== 0) count--;
      blocks[at] = pte;
    }
    if (pte !== 0) count += end - from;
    if (count === 0) this.toEmptyRun(row);
    else if (pte !== 0 && count === end - from) {
      this.toEmptyRun(row);
      this.run[row] = from | (end << 16);
      this.value[row] = pte;
    }
    return count;
  }

  private toBlock(row: number): void {
    const run = this.run[row];
    const value = this.value[row];
    const block = this.allocBlock();
    const base = block * PTRS_PER_TABLE;
    this.blocks.fill(0, base, base + PTRS_PER_TABLE);
    this.blocks.fill(value, base + (run & 0xffff), base + (run >>> 16));
    this.run[row] = BLOCK;
    this.value[row] = block;
  }

  private toEmptyRun(row: number): void {
    this.freeBlocks.push(this.value[row]);
    this.run[row] = 0;
    this.value[row] = 0;
  }

  /** Replaces each entry of [from, end) that is not none by what `change` makes of it, a stretch of equal ones at a time. */
  changePtes(row: number, from: number, end: number, change: (pte: number) => number): void {
    for (let at = this.nextPte(row, from, end); at < end; ) {
      const pte = this.pte(row, at);
      const stop = this.stretchEnd(row, at, end);
      const changed = change(pte);
      if (changed !== pte) this.fillPte(row, at, stop, changed);
      at = this.nextPte(row, stop, end);
    }
  }

  /** Moves a PTE-level row to `state` and keeps the number of empty live tables. */
  setState(row: number, state: number): void {
    if (this.count[row] === 0 && this.level[row] === LEVEL_PTE) {
      if (this.state[row] === TABLE_LIVE) this.countEmpty(row, -1);
      if (state === TABLE_LIVE) this.countEmpty(row, 1);
    }
    this.state[row] = state;
  }

  /** The huge entry of a row in state TABLE_DEPOSITED or TABLE_HUGE_BARE. */
  huge(row: number): number {
    return this.value[row];
  }

  setHuge(row: number, entry: number): void {
    this.value[row] = entry;
  }

  /** Bytes of memory that the store holds. */
  memoryBytes(): number {
    let bytes = this.blocks.byteLength + this.upper.byteLength;
    for (const array of [this.parent, this.slot, this.level, this.state, this.count, this.run, this.value])
      bytes += array.byteLength;
    return bytes;
  }
}
