/** System calls and faults of an explored kernel with the locks that they take around the engine's paths. */

import { collapseHugePage } from "../mm/collapse.ts";
import { handleMmFault } from "../mm/fault.ts";
import { dupMmap } from "../mm/fork.ts";
import { madvisePtReclaim, scanMm } from "../mm/free-pt.ts";
import { madviseDontneed } from "../mm/madvise.ts";
import { unmapRange } from "../mm/mmap.ts";
import { doMremap } from "../mm/mremap.ts";
import { doMprotect } from "../mm/protect.ts";
import { putEmptyTables } from "../mm/pte-ref.ts";
import { lock, lockRead, OBJ_MMAP_LOCK, type Path, schedObject, unlock } from "../mm/sched.ts";
import type { Mm } from "../mm/state.ts";
import { uffdMove } from "../mm/uffd-move.ts";
import type { Vma } from "../mm/vma.ts";
import { vmaLockObject } from "../mm/vma-lock.ts";
import type { World } from "./machine.ts";
import { vmaListObject } from "./watch.ts";

/** lock_vma_under_rcu(): the VMA that holds `page`, locked for reading. */
export function* vmaLockRead(world: World, fn: string, page: number): Path<Vma | undefined> {
  world.trace.read(vmaListObject(world.mm));
  const found = world.mm.vmas.lookup(page);
  if (found === undefined) return undefined;
  const object = vmaLockObject(found);
  yield* lockRead(world.k, fn, object);
  // The VMA may have gone while its lock was waited for.
  world.trace.read(vmaListObject(world.mm));
  const again = world.mm.vmas.lookup(page);
  if (again === found) return found;
  yield* unlock(world.k, fn, object);
  return again === undefined ? undefined : yield* vmaLockRead(world, fn, page);
}

/** A path that has worked on tables gives its references back, before it drops the locks of its VMAs; nothing where none are counted. */
export function* putTables({ k }: World): Path<void> {
  if (k.tables.emptied !== null) yield* putEmptyTables(k, false);
}

export function* vmaUnlockRead(world: World, fn: string, vma: Vma): Path<void> {
  yield* unlock(world.k, fn, vmaLockObject(vma));
}

/**
 * madvise(MADV_DONTNEED) on [start, end), all in one VMA: under that VMA's lock (madvise_lock()). A policy whose tables go later has its
 * turn right after it: the scan on the way back to user space, or the program's own MADV_PT_RECLAIM; both under the mmap lock,
 * held for reading.
 */
export function* sysDontneed(world: World, start: number, end: number): Path<void> {
  const { k, mm } = world;
  const vma = yield* vmaLockRead(world, "madvise_lock", start);
  if (vma === undefined) return;
  yield* madviseDontneed(k, mm, start, end, false);
  yield* vmaUnlockRead(world, "madvise_unlock", vma);
  const { scan, ask } = k.options.features;
  if (scan === null && ask === null) return;
  const fn = scan === null ? "madvise_lock" : "task_mm_pgtable_work";
  const mmapLock = schedObject(OBJ_MMAP_LOCK, mm.id);
  yield* lockRead(k, fn, mmapLock);
  world.trace.read(vmaListObject(mm));
  if (scan !== null) {
    // The part of a pass that meets the race: what was given back.
    mm.scanFrom = start;
    yield* scanMm(k, mm, end - start);
  } else
    for (const each of mm.vmas.list)
      yield* madvisePtReclaim(k, mm, Math.max(start, each.start), Math.min(end, each.end));
  yield* unlock(k, fn, mmapLock);
}

/** madvise(MADV_POPULATE_WRITE) of one page: a write fault without the access. */
export function* sysPopulateWrite(world: World, page: number): Path<void> {
  const vma = yield* vmaLockRead(world, "madvise_lock", page);
  if (vma === undefined) return;
  yield* handleMmFault(world.k, world.mm, vma, page, true);
  yield* putTables(world);
  yield* vmaUnlockRead(world, "madvise_unlock", vma);
}

/** Takes mmap_lock for writing and write-locks the VMAs that [start, end) touches (vma_start_write()); gives what it took. */
function* mmapWriteLock(world: World, fn: string, start: number, end: number): Path<number[]> {
  const { k, mm } = world;
  const taken = [schedObject(OBJ_MMAP_LOCK, mm.id)];
  yield* lock(k, fn, taken[0]);
  for (const vma of mm.vmas.list.filter((each) => each.start < end && each.end > start)) {
    const object = vmaLockObject(vma);
    yield* lock(k, "vma_start_write", object);
    taken.push(object);
  }
  return taken;
}

/** mmap_write_unlock(): the VMAs' locks go with it (vma_end_write_all()). */
function* mmapWriteUnlock(world: World, fn: string, taken: readonly number[]): Path<void> {
  for (const object of taken.slice(1)) yield* unlock(world.k, "vma_end_write_all", object);
  yield* unlock(world.k, fn, taken[0]);
}

/** Runs `path` under mmap_lock, held for writing, and the locks of the VMAs in [start, end). */
function* underWriteLock<T>(world: World, fn: string, start: number, end: number, path: () => Path<T>): Path<T> {
  const taken = yield* mmapWriteLock(world, fn, start, end);
  const result = yield* path();
  yield* putTables(world);
  yield* mmapWriteUnlock(world, fn, taken);
  return result;
}

/** munmap() of [start, end). */
export function* sysMunmap(world: World, start: number, end: number): Path<void> {
  const { k, mm } = world;
  yield* underWriteLock(world, "__vm_munmap", start, end, () => unmapRange(k, mm, start, end));
}

/** mprotect() of [start, end) to `flags` (VM_READ, VM_WRITE). */
export function* sysMprotect(world: World, start: number, end: number, flags: number): Path<void> {
  const { k, mm } = world;
  yield* underWriteLock(world, "do_mprotect_pkey", start, end, () => doMprotect(k, mm, start, end, flags));
}

/** mremap(MREMAP_FIXED) of [start, end) to `to`. */
export function* sysMremap(world: World, start: number, end: number, to: number): Path<void> {
  const { k, mm } = world;
  const pages = end - start;
  const request = { addr: start, oldPages: pages, newPages: pages, to, dontUnmap: false, mayMove: true };
  yield* underWriteLock(world, "do_mremap", start, end, () => doMremap(k, mm, request, () => -1));
}

/** fork(): dup_mmap() write-locks every VMA. */
export function* sysFork(world: World): Path<Mm> {
  const { k, mm } = world;
  return yield* underWriteLock(world, "dup_mmap", 0, Number.POSITIVE_INFINITY, () => dupMmap(k, mm));
}

/** ioctl(UFFDIO_MOVE) of `pages` pages: under the locks of both VMAs (uffd_move_lock()). */
export function* sysUffdMove(world: World, dst: number, src: number, pages: number): Path<void> {
  const fn = "uffd_move_lock";
  const dstVma = yield* vmaLockRead(world, fn, dst);
  const srcVma = yield* vmaLockRead(world, fn, src);
  if (dstVma !== undefined && srcVma !== undefined) {
    yield* uffdMove(world.k, world.mm, dst, src, pages);
    yield* putTables(world);
  }
  if (srcVma !== undefined) yield* vmaUnlockRead(world, "uffd_move_unlock", srcVma);
  if (dstVma !== undefined) yield* vmaUnlockRead(world, "uffd_move_unlock", dstVma);
}

/** khugepaged at the 2 MiB of `page`, which it has scanned and found fit: collapse_huge_page(). */
export function* sysCollapse(world: World, page: number): Path<boolean> {
  world.trace.read(vmaListObject(world.mm));
  const vma = world.mm.vmas.lookup(page);
  return vma === undefined ? false : yield* collapseHugePage(world.k, world.mm, vma, page);
}
