/** A program's accesses to its memory: what the `touch` operation does. */

import { type TouchCounts, touchVmaRange } from "./fault.ts";
import { PAGE_SIZE, pageOf, pagesFor } from "./geometry.ts";
import { anonPrepare } from "./mm-util.ts";
import type { Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { STACK_GUARD_GAP, VM_ACCESS_FLAGS, VM_GROWSDOWN, VM_LOCKED, type Vma } from "./vma.ts";

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
  const { stackPages } = k.profile;
  if ((stackPages !== 0 && stack.end - page > stackPages) || grow > stack.pgoff) return null;
  stack.start = page;
  stack.pgoff -= grow;
  mm.totalVm += grow;
  if ((stack.flags & VM_LOCKED) !== 0) mm.lockedVm += grow;
  return stack;
}

/**
 * The accesses of [page, end) that no VMA takes before `next`, the first one above: they raise SIGSEGV, unless they grow a stack.
 * Returns the page after them; `page` where it is a stack's now.
 */
function touchGap(
  k: KernelState,
  mm: Mm,
  page: number,
  end: number,
  next: Vma | undefined,
  counts: TouchCounts,
): number {
  if (expandStack(k, mm, page) !== null) return page;
  let stop = end;
  if (next !== undefined) stop = next.start < end && (next.flags & VM_GROWSDOWN) === 0 ? next.start : page + 1;
  counts.segv += stop - page;
  return stop;
}

/** Touches whole pages [start, end), each once. */
function* touchPages(
  k: KernelState,
  mm: Mm,
  start: number,
  end: number,
  write: boolean,
  counts: TouchCounts,
): Path<void> {
  let page = start;
  while (page < end) {
    const vma = mm.vmas.list[mm.vmas.indexAbove(page)];
    if (vma === undefined || vma.start > page) {
      page = touchGap(k, mm, page, end, vma, counts);
      continue;
    }
    const stop = vma.end < end ? vma.end : end;
    yield* touchVmaRange(k, mm, vma, page, stop, write, counts);
    page = stop;
  }
}

/** One access every `stride` bytes of [addr, end). */
function* touchStrided(
  k: KernelState,
  mm: Mm,
  addr: number,
  end: number,
  stride: number,
  write: boolean,
  counts: TouchCounts,
): Path<void> {
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
    yield* touchPages(k, mm, page, page + 1, write, counts);
  }
}

/**
 * One access every `stride` bytes of [addr, addr + len). Adds the accesses that raised a signal to `counts`.
 */
export function* touchRange(
  k: KernelState,
  mm: Mm,
  addr: number,
  len: number,
  stride: number,
  write: boolean,
  counts: TouchCounts,
): Path<void> {
  if (stride === PAGE_SIZE) yield* touchPages(k, mm, pageOf(addr), pageOf(addr) + pagesFor(len), write, counts);
  else yield* touchStrided(k, mm, addr, addr + len, stride, write, counts);
}
