/**
 * anon_vma identity (mm/rmap.c). The engine needs no reverse map, only what VMA merging depends on: which anon_vma a VMA
 * has, how long its chain is, and when fork may reuse one.
 */

import { AnonVma, VM_ACCESS_FLAGS, type Vma } from "./vma.ts";

/** reusable_anon_vma(): `a` and `b` could have been one VMA but for their access flags; `old` is the one that has an anon_vma. */
function reusableAnonVma(old: Vma, a: Vma, b: Vma): AnonVma | null {
  if (a.end !== b.start || a.file !== b.file) return null;
  if (((a.flags ^ b.flags) & ~VM_ACCESS_FLAGS) !== 0) return null;
  if (b.pgoff !== a.pgoff + (b.start - a.start)) return null;
  return old.anonVma !== null && old.chain.length === 1 ? old.anonVma : null;
}

/** mm/vma.c: find_mergeable_anon_vma(). Next first, then previous. */
function findMergeableAnonVma(vma: Vma, prev: Vma | undefined, next: Vma | undefined): AnonVma | null {
  if (next !== undefined) {
    const found = reusableAnonVma(next, vma, next);
    if (found !== null) return found;
  }
  return prev !== undefined ? reusableAnonVma(prev, prev, vma) : null;
}

/** mm/rmap.c: __anon_vma_prepare(). Gives the VMA an anon_vma, a neighbour's if the two could merge later. */
export function anonVmaPrepare(vma: Vma, prev: Vma | undefined, next: Vma | undefined): void {
  if (vma.anonVma !== null) return;
  const anonVma = findMergeableAnonVma(vma, prev, next) ?? new AnonVma(null);
  vma.anonVma = anonVma;
  vma.chain.push(anonVma);
  anonVma.numActiveVmas++;
}

/**
 * mm/rmap.c: anon_vma_clone(). `dst` joins every anon_vma of `src`'s chain. If `dst` has no anon_vma yet (fork), one
 * that has lost its own VMAs and has at most one child is reused.
 */
export function anonVmaClone(dst: Vma, src: Vma): void {
  for (let at = src.chain.length - 1; at >= 0; at--) {
    const anonVma = src.chain[at];
    dst.chain.push(anonVma);
    if (dst.anonVma === null && src.anonVma !== null && anonVma.numChildren < 2 && anonVma.numActiveVmas === 0)
      dst.anonVma = anonVma;
  }
  if (dst.anonVma !== null) dst.anonVma.numActiveVmas++;
}

/** mm/rmap.c: anon_vma_fork(). The child's VMA: the parent's chain and, unless one could be reused, an anon_vma of its own. */
export function anonVmaFork(dst: Vma, src: Vma): void {
  if (src.anonVma === null) return;
  dst.anonVma = null;
  anonVmaClone(dst, src);
  if (dst.anonVma !== null) return;
  const own = new AnonVma(src.anonVma);
  own.numActiveVmas++;
  dst.anonVma = own;
  dst.chain.push(own);
}

/** mm/rmap.c: unlink_anon_vmas(). */
export function unlinkAnonVmas(vma: Vma): void {
  if (vma.anonVma !== null) vma.anonVma.numActiveVmas--;
  vma.anonVma = null;
  vma.chain.length = 0;
}

/** mm/vma.c: dup_anon_vma(). A VMA that grows over another's pages takes over its anon_vma. */
export function dupAnonVma(dst: Vma, src: Vma): void {
  if (src.anonVma === null || dst.anonVma !== null) return;
  dst.anonVma = src.anonVma;
  anonVmaClone(dst, src);
}
