/**
 * RCU as far as page tables need it: freed tables wait for a grace period.
 *
 * A grace period takes GRACE_PERIOD_NS of simulated time; callbacks that arrive during one wait for the next, as in the
 * kernel. In the explorer (k.rcuWaiting) a table may be freed once every reader that was inside rcu_read_lock, or had
 * interrupts off, when the callback was queued has left; the explorer decides when (rcuReady, rcuFree).
 */

import type { KernelState } from "./state.ts";
import { TABLE_RCU } from "./tables.ts";

/** A typical grace period on an otherwise idle machine. */
const GRACE_PERIOD_NS = 8_000_000;

/** Frees the table at once: it can have no readers. */
export function freeTableNow(k: KernelState, row: number): void {
  k.tables.free(row);
  k.stats.tablesFreed++;
}

/** call_rcu() on a detached table. */
export function callRcu(k: KernelState, row: number): void {
  k.tables.state[row] = TABLE_RCU;
  k.rcuPending++;
  if (k.rcuWaiting !== null) {
    let readers = 0;
    for (const cpu of k.rcuReaders) readers |= 1 << cpu;
    for (const cpu of k.irqsOff) readers |= 1 << cpu;
    k.rcuWaiting.set(row, readers);
    return;
  }
  k.tables.parent[row] = k.rcuNext;
  k.rcuNext = row;
  if (k.rcuWait === 0 && k.rcuEndNs <= k.timeNs) startGracePeriod(k, k.timeNs);
}

/** A grace period begins at `at`, in simulated ns, for what has been queued so far. */
function startGracePeriod(k: KernelState, at: number): void {
  k.rcuWait = k.rcuNext;
  k.rcuNext = 0;
  k.rcuEndNs = at + GRACE_PERIOD_NS;
}

/** Ends the grace periods that are over at k.timeNs. Call after each operation; costs one comparison if none is. */
export function rcuTick(k: KernelState): void {
  while (k.rcuWait !== 0 && k.rcuEndNs <= k.timeNs) {
    let row = k.rcuWait;
    while (row !== 0) {
      const next = k.tables.parent[row];
      freeTableNow(k, row);
      k.rcuPending--;
      row = next;
    }
    k.rcuWait = 0;
    if (k.rcuNext !== 0) startGracePeriod(k, k.rcuEndNs);
  }
}

/**
 * rcu_read_lock() by the running CPU.
 * @plain nothing
 */
export function rcuReadLock(k: KernelState): void {
  k.rcuReaders.add(k.cpu);
}

/**
 * rcu_read_unlock() by the running CPU.
 * @plain nothing
 */
export function rcuReadUnlock(k: KernelState): void {
  k.rcuReaders.delete(k.cpu);
  leaveReader(k);
}

/** A CPU leaves its read-side section (or enables interrupts): tables stop waiting for it. */
export function leaveReader(k: KernelState): void {
  const { rcuWaiting } = k;
  if (rcuWaiting === null || k.rcuReaders.has(k.cpu) || k.irqsOff.has(k.cpu)) return;
  for (const [row, readers] of rcuWaiting) rcuWaiting.set(row, readers & ~(1 << k.cpu));
}

/** Tables whose readers have all left, in the order in which they were queued. */
export function rcuReady(k: KernelState): number[] {
  const ready: number[] = [];
  if (k.rcuWaiting !== null) for (const [row, readers] of k.rcuWaiting) if (readers === 0) ready.push(row);
  return ready;
}

/** Runs the callback of one table that is ready. */
export function rcuFree(k: KernelState, row: number): void {
  k.rcuWaiting?.delete(row);
  k.rcuPending--;
  freeTableNow(k, row);
}
