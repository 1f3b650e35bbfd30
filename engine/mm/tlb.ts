/**
 * The TLB of each CPU, for the explorer: translations that a CPU has read from the tables and may use until they are flushed.
 * Experiments count flushes (mmu-gather.ts) and need no contents.
 */

import type { KernelState, Mm } from "./state.ts";

/** Keys of entries: cpu * 2^44 + page. */
const CPU_BASE = 2 ** 44;

/** The CPU and the page whose entry has this key. */
export function tlbKeyParts(key: number): readonly [cpu: number, page: number] {
  return [Math.floor(key / CPU_BASE), key % CPU_BASE];
}

/** The entry that `cpu` has cached for `page`, or undefined. */
export function tlbLookup(k: KernelState, cpu: number, page: number): number | undefined {
  return k.tlb.get(cpu * CPU_BASE + page);
}

/** The CPU caches what it read from the tables. */
export function tlbFill(k: KernelState, cpu: number, page: number, pte: number): void {
  k.tlb.set(cpu * CPU_BASE + page, pte);
}

/**
 * Every CPU drops [start, end).
 * @plain nothing
 */
export function tlbInvalidate(k: KernelState, _mm: Mm, start: number, end: number): void {
  const map = k.tlb;
  map.invalidating?.(start, end);
  for (const key of map.keys()) {
    const page = key % CPU_BASE;
    if (page >= start && page < end) map.delete(key);
  }
}

/** All cached translations, as [cpu, page, entry], for checks and state hashes. */
export function tlbContents(k: KernelState): [cpu: number, page: number, pte: number][] {
  return [...k.tlb].map(([key, pte]) => [Math.floor(key / CPU_BASE), key % CPU_BASE, pte]);
}
