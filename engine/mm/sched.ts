/**
 * Scheduling points: where the code of one CPU may be interleaved with another's.
 *
 * The contract with the explorer:
 * - Kernel paths are generator functions. They `yield` a SchedPoint *before* each action that another CPU could observe or be
 *   affected by. Resuming the generator performs that one action and then runs on, touching nothing shared, to the next point.
 * - Before resuming CPU n the explorer sets `k.cpu = n`. A point may be resumed only while `resumable(k, point)` is true (locks,
 *   IPIs). A "trylock" succeeds or fails by the state it finds.
 * - `object` is the one thing the action reads or writes, `write` says which. Two points commute when their objects
 *   differ or neither writes. Entries that are only ever touched under a table's lock are represented by that lock.
 * - The point object is reused by the CPU that yields it: copy what must outlive the next resume.
 *
 * Experiments, where nothing comes between two actions, take the same paths in their plain form, which is made from this one
 * (scripts/plain-paths.ts): `yield` goes, and a call of a function whose comment says `@plain X` becomes X; `nothing` goes too.
 */

import { PTRS_PER_TABLE } from "./geometry.ts";
import type { SchedEvent, SchedPoint } from "./sched-point.ts";

import type { KernelState } from "./state.ts";

/** Kinds of object; an object is a number: kind * KIND_BASE + row * PTRS_PER_TABLE + index. */
export const OBJ_MMAP_LOCK = 1;
export const OBJ_VMA_LOCK = 2;
export const OBJ_PTL = 3;
export const OBJ_PML = 4;
export const OBJ_PMD_ENTRY = 5;
export const OBJ_PTE_ENTRY = 6;
export const OBJ_TABLE = 7;
export const OBJ_TLB = 8;
export const OBJ_RCU = 9;
export const OBJ_CPU = 12;
export const OBJ_FOLIO_LOCK = 13;

const KIND_BASE = 2 ** 40;
const OBJ_NAMES = [
  "",
  "mmap_lock",
  "vma",
  "ptl",
  "pml",
  "pmd",
  "pte",
  "table",
  "tlb",
  "rcu",
  "page",
  "page_table_lock",
  "cpu",
  "folio",
];

export function schedObject(kind: number, row: number, index = 0): number {
  return kind * KIND_BASE + row * PTRS_PER_TABLE + index;
}

/** The kind of an object. */
export function objectKind(object: number): number {
  return Math.floor(object / KIND_BASE);
}

/** The table, or whatever has a number, that an object is or lies in. */
export function objectRow(object: number): number {
  return Math.floor((object % KIND_BASE) / PTRS_PER_TABLE);
}

/** An object in words: `ptl of table 7`, `pmd 3[5]`. */
export function describeObject(object: number): string {
  const kind = objectKind(object);
  const row = objectRow(object);
  const name = OBJ_NAMES[kind] ?? "?";
  if (kind === OBJ_PMD_ENTRY || kind === OBJ_PTE_ENTRY)
    return `${name} ${row}[${(object % KIND_BASE) % PTRS_PER_TABLE}]`;
  if (kind === OBJ_PTL || kind === OBJ_PML) return `${name} of table ${row}`;
  return `${name} ${row}`;
}

/** What a path is, in the form that the explorer takes. */
export type Path<T> = Generator<SchedPoint, T, void>;

/** The point of the running CPU, filled in. */
export function point(k: KernelState, fn: string, event: SchedEvent, object: number, write: boolean): SchedPoint {
  const p = k.points[k.cpu];
  p.cpu = k.cpu;
  p.fn = fn;
  p.event = event;
  p.object = object;
  p.write = write;
  p.object2 = 0;
  p.write2 = false;
  return p;
}

/** Who holds a lock: the number of readers, or -1 - cpu for a writer. 0: nobody. */
export function lockHolder(k: KernelState, object: number): number {
  return k.locks.get(object) ?? 0;
}

/**
 * May this point be resumed now? A lock must be free for it; an IPI waits until every other CPU has interrupts on (a TLB
 * flush does not wait: hardware broadcasts and paravirtual flushes need no interrupt).
 */
export function resumable(k: KernelState, p: SchedPoint): boolean {
  switch (p.event) {
    case "lock":
      return lockHolder(k, p.object) === 0;
    case "read_lock":
      return lockHolder(k, p.object) >= 0;
    case "ipi":
      for (const cpu of k.irqsOff) if (cpu !== p.cpu) return false;
      return true;
    default:
      return true;
  }
}

/**
 * Takes a lock (spinlock, mutex or the write side); the caller has yielded its point. False: someone has it.
 * @plain true
 */
export function acquire(k: KernelState, object: number): boolean {
  if (lockHolder(k, object) !== 0) return false;
  k.locks.set(object, -1 - k.cpu);
  return true;
}

/** Takes the read side. */
function acquireRead(k: KernelState, object: number): boolean {
  const holder = lockHolder(k, object);
  if (holder < 0) return false;
  k.locks.set(object, holder + 1);
  return true;
}

/**
 * Gives back either side.
 * @plain nothing
 */
export function release(k: KernelState, object: number): void {
  const holder = lockHolder(k, object);
  if (holder > 1) k.locks.set(object, holder - 1);
  else k.locks.delete(object);
}

/**
 * Takes a lock at a point of its own.
 * @plain nothing
 */
export function* lock(k: KernelState, fn: string, object: number): Path<void> {
  yield point(k, fn, "lock", object, true);
  if (!acquire(k, object)) throw new Error(`${fn}: resumed on ${describeObject(object)}, which is held`);
}

/**
 * Takes the read side of a lock at a point of its own.
 * @plain nothing
 */
export function* lockRead(k: KernelState, fn: string, object: number): Path<void> {
  yield point(k, fn, "read_lock", object, true);
  if (!acquireRead(k, object)) throw new Error(`${fn}: resumed on ${describeObject(object)}, which is held`);
}

/**
 * Gives a lock back at a point of its own.
 * @plain nothing
 */
export function* unlock(k: KernelState, fn: string, object: number): Path<void> {
  yield point(k, fn, "unlock", object, true);
  release(k, object);
}

/** Runs a path to its end on CPU 0 while nothing else runs: every point is resumed at once. */
export function runAlone<T>(k: KernelState, path: Path<T>): T {
  k.cpu = 0;
  for (;;) {
    const step = path.next();
    if (step.done === true) return step.value;
    if (!resumable(k, step.value))
      throw new Error(`${step.value.fn} waits for ${describeObject(step.value.object)} although nothing else runs`);
  }
}
