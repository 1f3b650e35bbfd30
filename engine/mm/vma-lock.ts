/** The lock of a VMA (include/linux/mmap_lock.h): faults and DONTNEED take it for reading, changes to the VMA or its tables for writing. */

import { lock, OBJ_VMA_LOCK, type Path, schedObject, unlock } from "./sched.ts";
import type { KernelState } from "./state.ts";
import type { Vma } from "./vma.ts";

/** VMAs that exist side by side begin in different pages of 4 GiB. */
const PAGES = 2 ** 20;

/** VMAs are identified by their start: it is the same in every execution. */
export function vmaLockObject(vma: Vma): number {
  return schedObject(OBJ_VMA_LOCK, vma.start % PAGES);
}

/**
 * vma_start_write(): takes the VMA's lock for writing and waits for its readers; under the mmap lock, held for writing.
 * @plain nothing
 */
export function* vmaStartWrite(k: KernelState, vma: Vma): Path<void> {
  yield* lock(k, "vma_start_write", vmaLockObject(vma));
}

/**
 * vma_end_write_all(), of the one VMA.
 * @plain nothing
 */
export function* vmaEndWrite(k: KernelState, vma: Vma): Path<void> {
  yield* unlock(k, "vma_end_write_all", vmaLockObject(vma));
}
