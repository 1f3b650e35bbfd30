/** Walkers of page tables that hold no lock of the table: what they rely on is RCU, or interrupts that are off. */

import { isWalked } from "../mm/explored.ts";
import { PTRS_PER_TABLE, pmdIndex, pteIndex } from "../mm/geometry.ts";
import { pmdTable } from "../mm/pgtable.ts";
import { freePteTable } from "../mm/pte-ref.ts";
import { leaveReader, rcuReadLock, rcuReadUnlock } from "../mm/rcu.ts";
import {
  OBJ_CPU,
  OBJ_PMD_ENTRY,
  OBJ_PTE_ENTRY,
  OBJ_RCU,
  OBJ_TABLE,
  type Path,
  point,
  schedObject,
} from "../mm/sched.ts";
import type { KernelState } from "../mm/state.ts";
import type { World } from "./machine.ts";

/**
 * pte_try_get() of the series that count references (include/linux/pte_ref.h): the PMD entry is read inside rcu_read_lock, and the count
 * of its table raised unless it has come to nothing. Returns the table's row, with a reference, or 0 if there is none to be had.
 */
function* pteTryGet(k: KernelState, pmd: number, index: number): Path<number> {
  const fn = "pte_try_get";
  yield point(k, fn, "rcu_read_lock", schedObject(OBJ_RCU, k.cpu), true);
  rcuReadLock(k);
  yield point(k, fn, "pmd_read", schedObject(OBJ_PMD_ENTRY, pmd, index), false);
  let row = k.tables.child(pmd, index);
  if (row > 0) {
    yield point(k, fn, "ref_get", schedObject(OBJ_TABLE, row), true);
    // Entries that are not none hold a reference each.
    const held = isWalked(k, row) || k.tables.nextPte(row, 0, PTRS_PER_TABLE) < PTRS_PER_TABLE;
    if (held) k.tableRefs.set(row, (k.tableRefs.get(row) ?? 0) + 1);
    else row = 0;
  }
  yield point(k, fn, "rcu_read_unlock", schedObject(OBJ_RCU, k.cpu), true);
  rcuReadUnlock(k);
  return Math.max(0, row);
}

/** pte_put(): gives the reference back; whoever held the last frees the table. */
function* ptePut(k: KernelState, row: number): Path<void> {
  yield point(k, "pte_put", "ref_put", schedObject(OBJ_TABLE, row), true);
  const left = (k.tableRefs.get(row) ?? 0) - 1;
  if (left > 0) k.tableRefs.set(row, left);
  else k.tableRefs.delete(row);
  if (left > 0 || k.tables.nextPte(row, 0, PTRS_PER_TABLE) < PTRS_PER_TABLE) return;
  yield* freePteTable(k, row, false);
}

/**
 * The reverse map's walk where tables are counted: the reference that it holds is all that keeps the table while it looks at an entry
 * twice, with no lock and outside rcu_read_lock.
 */
function* referencedWalk({ k, mm }: World, page: number): Path<void> {
  const row = yield* pteTryGet(k, pmdTable(k, mm, page), pmdIndex(page));
  if (row === 0) return;
  for (let look = 0; look < 2; look++) {
    yield point(k, "map_pte", "pte_read", schedObject(OBJ_PTE_ENTRY, row, pteIndex(page)), false);
    k.tables.pte(row, pteIndex(page));
  }
  yield* ptePut(k, row);
}

/**
 * page_vma_mapped_walk() of the reverse map (mm/page_vma_mapped.c: map_pte): a walk by pte_offset_map(), inside
 * rcu_read_lock and without the mmap lock, that looks at an entry twice. Where tables are counted it holds a reference instead.
 */
export function* rmapWalk(world: World, page: number): Path<void> {
  const { k, mm } = world;
  if (k.options.features.refcount) return yield* referencedWalk(world, page);
  const fn = "map_pte";
  const pmd = pmdTable(k, mm, page);
  const index = pmdIndex(page);
  yield point(k, fn, "rcu_read_lock", schedObject(OBJ_RCU, k.cpu), true);
  rcuReadLock(k);
  yield point(k, fn, "pmd_read", schedObject(OBJ_PMD_ENTRY, pmd, index), false);
  const row = k.tables.child(pmd, index);
  if (row > 0) {
    for (let look = 0; look < 2; look++) {
      yield point(k, fn, "pte_read", schedObject(OBJ_PTE_ENTRY, row, pteIndex(page)), false);
      k.tables.pte(row, pteIndex(page));
    }
  }
  yield point(k, fn, "rcu_read_unlock", schedObject(OBJ_RCU, k.cpu), true);
  rcuReadUnlock(k);
}

/**
 * get_user_pages_fast() (mm/gup.c: gup_fast_pte_range): interrupts off from the first look to the last; the PMD entry and the
 * PTE are read again before the page is taken.
 */
export function* gupFast(world: World, page: number): Path<void> {
  const { k, mm } = world;
  const fn = "gup_fast_pte_range";
  const pmd = pmdTable(k, mm, page);
  const index = pmdIndex(page);
  const at = pteIndex(page);
  yield point(k, "gup_fast", "irq_disable", schedObject(OBJ_CPU, k.cpu), true);
  k.irqsOff.add(k.cpu);
  yield point(k, "gup_fast", "pmd_read", schedObject(OBJ_PMD_ENTRY, pmd, index), false);
  const row = k.tables.child(pmd, index);
  if (row > 0) {
    yield point(k, fn, "pte_read", schedObject(OBJ_PTE_ENTRY, row, at), false);
    const pte = k.tables.pte(row, at);
    if (pte !== 0) {
      yield point(k, fn, "pmd_read", schedObject(OBJ_PMD_ENTRY, pmd, index), false);
      if (k.tables.child(pmd, index) === row) {
        yield point(k, fn, "pte_read", schedObject(OBJ_PTE_ENTRY, row, at), false);
        k.tables.pte(row, at);
      }
    }
  }
  yield point(k, "gup_fast", "irq_enable", schedObject(OBJ_CPU, k.cpu), true);
  k.irqsOff.delete(k.cpu);
  leaveReader(k);
}

/** The timer tick of another task's turn: need_resched() is true on `cpu` from here on, at any moment. */
export function* timerTick(world: World, cpu: number, object: number): Path<void> {
  yield point(world.k, "scheduler_tick", "need_resched", object, true);
  world.k.reschedPending[cpu] = true;
}
