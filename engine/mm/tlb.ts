/**
 * The TLB of each CPU, in explored kernels only: what a CPU has read from the tables and may go on using until it is
 * flushed. Experiments count flushes (mmu-gather.ts) and need no contents.
 */

import type { KernelState, Mm } from "./state.ts";

/** TLB entries by key; one that is watched hears of invalidations. */
export interface TlbMap extends Map<number, number> {
  invalidating?(start: number, end: number): void;
}

/** Per kernel: cpu * 2^44 + page -> entry. */
const contents = new WeakMap<KernelState, TlbMap>();
const CPU_BASE = 2 ** 44;

function entries(k: KernelState): TlbMap {
  let map = contents.get(k);
  if (map === undefined) {
    map = new Map();
    contents.set(k, map);
  }
  return map;
}

/** Keeps the entries of this kernel's TLBs in `map`: the explorer's, which watches who looks. */
export function keepTlbIn(k: KernelState, map: TlbMap): void {
  contents.set(k, map);
}

/** The CPU and the page whose entry has this key. */
export function tlbKeyParts(key: number): readonly [cpu: number, page: number] {
  return [Math.floor(key / CPU_BASE), key % CPU_BASE];
}

/** The entry that `cpu` has cached for `page`, or undefined. */
export function tlbLookup(k: KernelState, cpu: number, page: number): number | undefined {
  return entries(k).get(cpu * CPU_BASE + page);
}

/** The CPU caches what it read from the tables. */
export function tlbFill(k: KernelState, cpu: number, page: number, pte: number): void {
  entries(k).set(cpu * CPU_BASE + page, pte);
}

/** Every CPU forgets [start, end). */
export function tlbInvalidate(k: KernelState, _mm: Mm, start: number, end: number): void {
  const map = entries(k);
  map.invalidating?.(start, end);
  for (const key of map.keys()) {
    const page = key % CPU_BASE;
    if (page >= start && page < end) map.delete(key);
  }
}

/** All cached translations, as [cpu, page, entry], for checks and state hashes. */
export function tlbContents(k: KernelState): [cpu: number, page: number, pte: number][] {
  return [...entries(k)].map(([key, pte]) => [Math.floor(key / CPU_BASE), key % CPU_BASE, pte]);
}
