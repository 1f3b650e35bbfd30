/** What a program does to its memory: accesses through the TLB, with a walk of the tables and a fault where that misses. */

import { newPage } from "../mm/explored.ts";
import { accessError, handleMmFault } from "../mm/fault.ts";
import { FAULT_OK } from "../mm/fault-result.ts";
import { pmdIndex, pteIndex } from "../mm/geometry.ts";
import { pmdTable } from "../mm/pgtable.ts";
import { KIND_ANON, KIND_MASK, PAGE_ID_SHIFT, PTE_WRITE, ptePageId, ptePresent } from "../mm/pte.ts";
import { OBJ_TLB, type Path, point, schedObject } from "../mm/sched.ts";
import type { KernelState } from "../mm/state.ts";
import { tlbFill, tlbLookup } from "../mm/tlb.ts";
import type { World } from "./machine.ts";
import { putTables, vmaLockRead, vmaUnlockRead } from "./syscalls.ts";
import { NO_STALE_TLB, StepViolation } from "./trace.ts";

/** A part of the huge page over table `row`, as an entry; one that was never looked at gets its identity now. */
function hugePart(k: KernelState, row: number, at: number): number {
  const entry = k.tables.huge(row);
  if ((entry & KIND_MASK) !== KIND_ANON) return entry;
  const parts = k.hugePages.get(row) ?? new Map<number, number>();
  k.hugePages.set(row, parts);
  const known = parts.get(at);
  if (known !== undefined) return (entry | (known << PAGE_ID_SHIFT)) >>> 0;
  const made = newPage(k, 0);
  parts.set(at, ptePageId(made));
  return (entry | made) >>> 0;
}

/** The CPU's table walker: what the tables say of `page`, cached in the TLB where it allows the access. False: a fault. */
function walk(world: World, page: number, write: boolean): boolean {
  const { k, mm } = world;
  const pmd = pmdTable(k, mm, page);
  const row = pmd === 0 ? 0 : k.tables.child(pmd, pmdIndex(page));
  if (row === 0) return false;
  const pte = row > 0 ? k.tables.pte(row, pteIndex(page)) : hugePart(k, -row, pteIndex(page));
  if (!ptePresent(pte) || (write && (pte & PTE_WRITE) === 0)) return false;
  tlbFill(k, k.cpu, page, pte);
  return true;
}

/** Gets a translation of `page` into the CPU's TLB: by the hardware's walk, or by a fault and another walk. */
function* translate(world: World, page: number, write: boolean): Path<boolean> {
  const { k, mm } = world;
  for (;;) {
    yield point(k, "hardware walk", "tlb_fill", schedObject(OBJ_TLB, k.cpu), true);
    const held = tlbLookup(k, k.cpu, page);
    if (held !== undefined && (!write || (held & PTE_WRITE) !== 0)) return true;
    if (walk(world, page, write)) return true;
    const vma = yield* vmaLockRead(world, "do_user_addr_fault", page);
    if (vma === undefined || accessError(vma, write)) {
      if (vma !== undefined) yield* vmaUnlockRead(world, "do_user_addr_fault", vma);
      return false;
    }
    const result = yield* handleMmFault(k, mm, vma, page, write);
    yield* putTables(world);
    yield* vmaUnlockRead(world, "do_user_addr_fault", vma);
    if (result !== FAULT_OK) return false;
  }
}

/** The page that the CPU's TLB leads to, or undefined: no entry. */
function cached(world: World, page: number, write: boolean): number | undefined {
  const { k } = world;
  const pte = tlbLookup(k, k.cpu, page);
  if (pte === undefined || (write && (pte & PTE_WRITE) === 0)) return undefined;
  const id = ptePageId(pte);
  if (id !== 0 && !k.pages.has(id))
    throw new StepViolation(NO_STALE_TLB, `CPU ${k.cpu} reaches page ${id}, which was freed, through its TLB`);
  return id;
}

/** Stores `value` at `page`. Returns false where the program would have got a signal. */
export function* userWrite(world: World, page: number, value: number): Path<boolean> {
  const { k } = world;
  for (;;) {
    if (!(yield* translate(world, page, true))) return false;
    yield point(k, `user: store ${value}`, "page_write", schedObject(OBJ_TLB, k.cpu), true);
    const id = cached(world, page, true);
    if (id === undefined) continue;
    // Pages of files have no identity: what they hold is the cache's.
    if (id !== 0) k.pages.set(id, value);
    return true;
  }
}

/** Loads what `page` holds; -1 where the program would have got a signal. */
export function* userRead(world: World, page: number): Path<number> {
  const { k } = world;
  for (;;) {
    if (!(yield* translate(world, page, false))) return -1;
    yield point(k, "user: load", "page_read", schedObject(OBJ_TLB, k.cpu), true);
    const id = cached(world, page, false);
    if (id === undefined) continue;
    return id === 0 ? 0 : (k.pages.get(id) ?? 0);
  }
}
