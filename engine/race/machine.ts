/**
 * The engine as a program for the explorer: a scenario's CPUs run the kernel's own paths over one small address space, and
 * the invariants are checked after each step.
 */

import { resolveOptions } from "../mm/config.ts";
import { type Patches, type ReclaimFeatures, withoutClock } from "../mm/features.ts";
import { LEVEL_PTE, PMD_PAGES, PTRS_PER_TABLE } from "../mm/geometry.ts";
import { KIND_ANON, KIND_FILE, KIND_MASK, KIND_SWAP, ptePageId } from "../mm/pte.ts";
import { rcuFree, rcuReady } from "../mm/rcu.ts";
import {
  describeObject,
  lockHolder,
  OBJ_PTL,
  objectKind,
  objectRow,
  type Path,
  resumable,
  schedObject,
} from "../mm/sched.ts";
import type { SchedPoint } from "../mm/sched-point.ts";
import { KernelState, type Mm } from "../mm/state.ts";
import { TABLE_DEPOSITED, TABLE_LIVE } from "../mm/tables.ts";
import { checkpoint, restore } from "./checkpoint.ts";
import type { Execution, Footprint, Point, Program, Violation } from "./program.ts";
import { NO_LOST_WRITE, OBJ_RESCHED, StepViolation, Trace } from "./trace.ts";
import type { TracedTables } from "./traced-tables.ts";
import { watch, watchVmas } from "./watch.ts";

const COUNTS_EQUAL = "counts equal recounts";

/** What a scenario's set-up and CPUs work with. */
export interface World {
  readonly k: KernelState;
  readonly mm: Mm;
  readonly tables: TracedTables;
  readonly trace: Trace;
  /** The first page of the slots that scenarios use, one PMD table for all of them. */
  readonly base: number;
  /** What set-up leaves for the CPUs and for the goal: pages, rows, results. */
  readonly notes: Map<string, number>;
}

export interface Lane {
  /** Heading of the CPU's column. */
  readonly name: string;
  readonly path: (world: World) => Path<unknown>;
}

export interface MachineOptions {
  readonly features: ReclaimFeatures;
  readonly patches: Patches;
  /** No memory for batches of tables: each table is freed alone. */
  readonly batchFails: boolean;
}

export interface MachineProgram extends Program {
  start(): MachineExecution;
}

export interface MachineExecution extends Execution {
  readonly world: World;
}

/** What a scenario is to the machine. */
export interface Setup {
  readonly prepare: (world: World) => void;
  readonly lanes: readonly Lane[];
  /** What must hold at the end besides the invariants; null: nothing more. */
  readonly goal: ((world: World) => Violation | null) | null;
}

/** 4 GiB: far from zero, in a PMD table of its own. */
const BASE_PAGE = 2 ** 20;

export function reschedObject(cpu: number): number {
  return schedObject(OBJ_RESCHED, cpu);
}

export function machine(setup: Setup, options: MachineOptions): MachineProgram {
  const resolved = resolveOptions({
    features: withoutClock(options.features),
    image: "empty",
    checked: true,
    patches: options.patches,
    batchFailRate: options.batchFails ? 1 : 0,
  });
  const k = new KernelState(resolved);
  const trace = new Trace();
  const tables = watch(k, trace);
  if (options.features.refcount) tables.emptied = [];
  const mm = k.newMm();
  watchVmas(mm, trace);
  const world: World = { k, mm, tables, trace, base: BASE_PAGE, notes: new Map() };
  setup.prepare(world);
  const saved = checkpoint(k, tables);
  const notes = [...world.notes];
  return {
    cpus: setup.lanes.length,
    start(): MachineExecution {
      trace.begin(false);
      restore(k, tables, saved);
      world.notes.clear();
      for (const [key, value] of notes) world.notes.set(key, value);
      return new Running(world, setup);
    },
  };
}

class Running implements MachineExecution {
  readonly world: World;
  readonly cpus: readonly Iterator<Point, void, void>[];
  private readonly goal: Setup["goal"];
  /** The points the CPUs stand at. */
  private readonly at: (SchedPoint | null)[];
  /** Tables that each CPU has emptied and not yet looked at, where they are counted (pte-ref.ts). */
  private readonly emptied: number[][];

  constructor(world: World, setup: Setup) {
    this.world = world;
    this.goal = setup.goal;
    this.at = setup.lanes.map(() => null);
    this.emptied = setup.lanes.map(() => []);
    this.cpus = setup.lanes.map((lane, cpu) => {
      const path = lane.path(world);
      return { next: () => this.advance(cpu, path) };
    });
  }

  private advance(cpu: number, path: Path<unknown>): IteratorResult<Point, void> {
    const { k } = this.world;
    const from = this.at[cpu];
    if (from?.event === "lock" && objectKind(from.object) === OBJ_PTL)
      this.world.tables.useLock(objectRow(from.object));
    const result = path.next();
    // Grace periods end as early as they may: what no schedule of later ends can break, this one does not.
    if (k.rcuPending > 0) for (const row of rcuReady(k)) rcuFree(k, row);
    this.at[cpu] = result.done === true ? null : result.value;
    return result as IteratorResult<Point, void>;
  }

  select(cpu: number, record: boolean): void {
    const { k, trace } = this.world;
    k.cpu = cpu;
    // What a path let go of is its own CPU's to put.
    if (k.tables.emptied !== null) k.tables.emptied = this.emptied[cpu];
    trace.begin(record);
    const point = this.at[cpu];
    if (!record || point === null) return;
    switch (point.event) {
      case "lock":
      case "trylock":
        trace.write(point.object);
        break;
      case "read_lock":
        trace.read(point.object);
        break;
      case "unlock":
        // Readers of a lock do not mind each other.
        if (lockHolder(k, point.object) > 0) trace.read(point.object);
        else trace.write(point.object);
        break;
      case "need_resched":
        if (point.write) trace.write(point.object);
        else trace.read(reschedObject(cpu));
        break;
      case "ipi":
        for (const _cpu of k.irqsOff);
        break;
      default:
      // What tables, pages, TLBs and sets of readers see of the step is recorded as it happens.
    }
  }

  enabled(_cpu: number, point: Point): boolean {
    return resumable(this.world.k, point as SchedPoint);
  }

  footprint(): Footprint {
    return this.world.trace.take();
  }

  explain(error: unknown): Violation | null {
    if (error instanceof StepViolation) return { invariant: error.invariant, detail: error.message };
    return null;
  }

  check(): Violation | null {
    this.world.trace.on = false;
    return lostPages(this.world) ?? null;
  }

  finish(): Violation | null {
    this.world.trace.on = false;
    return (
      unreachablePages(this.world) ?? recountAll(this.world) ?? keptEmpty(this.world) ?? this.goal?.(this.world) ?? null
    );
  }
}

/** A table that is detached must map nothing: what it maps is lost. */
function lostPages({ k, tables }: World): Violation | null {
  for (const row of tables.detached) {
    if (tables.level[row] !== LEVEL_PTE || tables.count[row] === 0) continue;
    for (
      let at = tables.peekNextPte(row, 0, PTRS_PER_TABLE);
      at < PTRS_PER_TABLE;
      at = tables.peekNextPte(row, at + 1, PTRS_PER_TABLE)
    ) {
      const id = ptePageId(tables.peekPte(row, at));
      const value = k.pages.get(id) ?? 0;
      if (value === 0) continue;
      return {
        invariant: NO_LOST_WRITE,
        detail: `table ${row} is detached and still maps page ${id}, which holds ${value}, at entry ${at}`,
      };
    }
  }
  return null;
}

/** Calls `visit` for each PTE table in the tree of a process, and for each that is deposited under a huge page (minus its row). */
function eachPteTable({ tables }: World, mm: Mm, visit: (row: number, page: number) => void): void {
  const walk = (row: number, page: number, span: number): void => {
    for (
      let at = tables.peekNextChild(row, 0, PTRS_PER_TABLE);
      at < PTRS_PER_TABLE;
      at = tables.peekNextChild(row, at + 1, PTRS_PER_TABLE)
    ) {
      const child = tables.peekChild(row, at);
      const base = page + at * span;
      if (child < 0 || tables.level[child] === LEVEL_PTE) visit(child, base);
      else walk(child, base, span / PTRS_PER_TABLE);
    }
  };
  walk(mm.pgd, 0, PMD_PAGES ** tables.level[mm.pgd]);
}

/** Every page that holds a value is mapped by a table that the process can reach, or it was discarded and freed. */
function unreachablePages(world: World): Violation | null {
  const { k, tables } = world;
  const mapped = new Set<number>();
  for (const mm of k.processes) {
    eachPteTable(world, mm, (row) => {
      if (row < 0) for (const id of k.hugePages.get(-row)?.values() ?? []) mapped.add(id);
      if (row < 0) return;
      for (
        let at = tables.peekNextPte(row, 0, PTRS_PER_TABLE);
        at < PTRS_PER_TABLE;
        at = tables.peekNextPte(row, at + 1, PTRS_PER_TABLE)
      )
        mapped.add(ptePageId(tables.peekPte(row, at)));
    });
  }
  for (const [id, value] of k.pages) {
    if (mapped.has(id)) continue;
    return {
      invariant: NO_LOST_WRITE,
      detail: `page ${id} (value ${value}) was not discarded, and nothing maps it any more`,
    };
  }
  return null;
}

/** Where tables are counted, none is kept that nothing holds a reference of. */
function keptEmpty(world: World): Violation | null {
  if (!world.k.options.features.refcount) return null;
  let kept = 0;
  for (const mm of world.k.processes)
    eachPteTable(world, mm, (row) => {
      if (row > 0 && world.tables.count[row] === 0) kept = row;
    });
  return kept === 0 ? null : { invariant: COUNTS_EQUAL, detail: `table ${kept} is empty, and was not freed` };
}

/** Counts of each process and of each table against a recount; no lock is held. */
function recountAll(world: World): Violation | null {
  for (const mm of world.k.processes) {
    const wrong = recount(world, mm);
    if (wrong !== null) return { invariant: COUNTS_EQUAL, detail: mm.id === 0 ? wrong : `process ${mm.id}: ${wrong}` };
  }
  for (const object of world.k.locks.keys())
    return { invariant: COUNTS_EQUAL, detail: `${describeObject(object)} is still held` };
  return null;
}

/** What is wrong with the counts of one process, in words; null: nothing. */
function recount(world: World, mm: Mm): string | null {
  const { tables } = world;
  let ptes = 0;
  let anon = 0;
  let file = 0;
  let swap = 0;
  let wrong: string | null = null;
  eachPteTable(world, mm, (row) => {
    ptes++;
    if (row < 0) {
      if ((tables.peekHuge(-row) & KIND_MASK) === KIND_ANON) anon += PTRS_PER_TABLE;
      if (tables.state[-row] !== TABLE_DEPOSITED) wrong = `table ${-row} is under a huge page and not deposited`;
      return;
    }
    let count = 0;
    for (
      let at = tables.peekNextPte(row, 0, PTRS_PER_TABLE);
      at < PTRS_PER_TABLE;
      at = tables.peekNextPte(row, at + 1, PTRS_PER_TABLE)
    ) {
      const kind = tables.peekPte(row, at) & KIND_MASK;
      count++;
      if (kind === KIND_ANON) anon++;
      else if (kind === KIND_FILE) file++;
      else if (kind === KIND_SWAP) swap++;
    }
    if (count !== tables.count[row]) wrong = `table ${row} counts ${tables.count[row]} entries and has ${count}`;
    if (tables.state[row] !== TABLE_LIVE) wrong = `table ${row} is reachable and not in use`;
  });
  const expect = (name: string, counted: number, recounted: number): void => {
    if (counted !== recounted) wrong ??= `the number of ${name} is ${counted}; a recount gives ${recounted}`;
  };
  expect("PTE tables", mm.ptes, ptes);
  expect("anonymous pages", mm.rssAnon, anon);
  expect("file pages", mm.rssFile + mm.rssShmem, file);
  expect("swap entries", mm.swapEntries, swap);
  return wrong;
}
