/** System calls and faults of an explored kernel with the locks that they take around the engine's paths. */

import { madviseDontneed } from "../mm/madvise.ts";
import { lockRead, OBJ_VMA_LOCK, type Path, schedObject, unlock } from "../mm/sched.ts";
import type { Vma } from "../mm/vma.ts";
import type { World } from "./machine.ts";

/** VMAs are known by where they begin: their ids differ from one execution to the next. */
function vmaLock(world: World, vma: Vma): number {
  return schedObject(OBJ_VMA_LOCK, vma.start - world.base);
}

/** lock_vma_under_rcu(): the VMA that holds `page`, locked for reading. */
export function* vmaLockRead(world: World, fn: string, page: number): Path<Vma | undefined> {
  const found = world.mm.vmas.lookup(page);
  if (found === undefined) return undefined;
  const object = vmaLock(world, found);
  yield* lockRead(world.k, fn, object);
  // The VMA may have gone while its lock was waited for.
  const again = world.mm.vmas.lookup(page);
  if (again === found) return found;
  yield* unlock(world.k, fn, object);
  return again === undefined ? undefined : yield* vmaLockRead(world, fn, page);
}

export function* vmaUnlockRead(world: World, fn: string, vma: Vma): Path<void> {
  yield* unlock(world.k, fn, vmaLock(world, vma));
}

/** madvise(MADV_DONTNEED) on [start, end), all in one VMA: under that VMA's lock (madvise_lock()). */
export function* sysDontneed(world: World, start: number, end: number): Path<void> {
  const vma = yield* vmaLockRead(world, "madvise_lock", start);
  if (vma === undefined) return;
  yield* madviseDontneed(world.k, world.mm, start, end, false);
  yield* vmaUnlockRead(world, "madvise_unlock", vma);
}
