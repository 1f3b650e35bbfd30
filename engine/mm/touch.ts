/** A program's accesses to its memory: what the `touch` operation does. */

import { type TouchCounts, touchVmaRange } from "./fault.ts";
import { PAGE_SIZE, pageOf, pagesFor } from "./geometry.ts";
import { anonPrepare } from "./mm-util.ts";
import type { KernelState, Mm } from "./state.ts";
import { VM_ACCESS_FLAGS, VM_GROWSDOWN, VM_LOCKED, type Vma } from "./vma.ts";

/** stack_guard_gap, in pages. */
const STACK_GUARD_GAP = 256;

/** expand_stack(): an access at `page`, outside every VMA, grows the stack that begins above it. Null: it does not. */
function expandStack(k: KernelState, mm: Mm, page: number): Vma | null {
  const index = mm.vmas.indexAbove(page);
  const stack = mm.vmas.list[index];
  if (stack === undefined || (stack.flags & VM_GROWSDOWN) === 0 || page >= k.taskPages) return null;
  const prev = mm.vmas.list[index - 1];
  const guarded = prev !== undefined && (prev.flags & VM_GROWSDOWN) === 0 && (prev.flags & VM_ACCESS_FLAGS) !== 0;
  if (guarded && page - prev.end < STACK_GUARD_GAP) return null;
  anonPrepare(k, mm, stack);
  const grow = stack.start - page;
  if (stack.end - page > k.options.stackPages || grow > stack.pgoff) return null;
  stack.start = page;
  stack.pgoff -= grow;
  mm.totalVm += grow;
  if ((stack.flags & VM_LOCKED) !== 0) mm.lockedVm += grow;
  return stack;
}

/** Touches whole pages [start, end), each once. */
function touchPages(k: KernelState, mm: Mm, start: number, end: number, write: boolean, counts: TouchCounts): void {
  let page = start;
  while (page < end) {
    let vma: Vma | null | undefined = mm.vmas.list[mm.vmas.indexAbove(page)];
    if (vma === undefined || vma.start > page) {
      const gap = vma;
      vma = expandStack(k, mm, page);
      if (vma === null) {
        const stop = gap !== undefined && gap.start < end && (gap.flags & VM_GROWSDOWN) === 0 ? gap.start : page + 1;
        const skip = gap === undefined ? end : stop;
        counts.segv += skip - page;
        page = skip;
        continue;
      }
    }
    const stop = vma.end < end ? vma.end : end;
    touchVmaRange(k, mm, vma, page, stop, write, counts);
    page = stop;
  }
}

/**
 * One access every `stride` bytes of [addr, addr + len). Adds the accesses that raised a signal to `counts`.
 */
export function touchRange(
  k: KernelState,
  mm: Mm,
  addr: number,
  len: number,
  stride: number,
  write: boolean,
  counts: TouchCounts,
): void {
  if (stride === PAGE_SIZE) {
    const start = pageOf(addr);
    touchPages(k, mm, start, start + pagesFor(len), write, counts);
    return;
  }
  const end = addr + len;
  for (let at = addr; at < end; at += stride) {
    const page = pageOf(at);
    const next = mm.vmas.list[mm.vmas.indexAbove(page)];
    if (next === undefined || (next.start > page && (next.flags & VM_GROWSDOWN) === 0)) {
      // Nothing is mapped up to `next`: every access there raises a signal, however many there are.
      const stop = next === undefined ? end : Math.min(end, next.start * PAGE_SIZE);
      const accesses = Math.ceil((stop - at) / stride);
      counts.segv += accesses;
      at += (accesses - 1) * stride;
      continue;
    }
    touchPages(k, mm, page, page + 1, write, counts);
  }
}
