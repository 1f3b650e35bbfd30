/**
 * mremap(2) as it was before 6.17 (mm/mremap.c: vma_to_resize(), mremap_to()): with a given address, the destination is unmapped, and
 * the part beyond a smaller size is cut off, before the source is checked. Ranges are in pages.
 */

import type { Errno } from "./errno.ts";
import { PMD_PAGES } from "./geometry.ts";
import { unmapRange } from "./mmap.ts";
import { expandInPlace, moveVma, type RemapRequest, shrinkVma } from "./mremap.ts";
import type { Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { VM_HUGETLB, VM_SHARED, type Vma } from "./vma.ts";

/** vma_to_resize(): the VMA that r.oldPages of lie in, or why it cannot have the new size. */
function vmaToResize(mm: Mm, r: RemapRequest): Vma | Errno {
  const vma = mm.vmas.lookup(r.addr);
  if (vma === undefined) return "EFAULT";
  if (r.oldPages === 0 && (vma.flags & VM_SHARED) === 0) return "EINVAL";
  if (r.dontUnmap && (vma.flags & VM_HUGETLB) !== 0) return "EINVAL";
  if (r.oldPages > vma.end - r.addr) return "EFAULT";
  if (r.newPages > r.oldPages && vma.pgoff + r.newPages > 2 ** 52) return "EINVAL";
  return vma;
}

/** mremap_to(): to r.to, or where the kernel likes (MREMAP_DONTUNMAP alone). */
function* mremapTo(k: KernelState, mm: Mm, r: RemapRequest, findRoom: (pages: number) => number): Path<Errno | null> {
  const fixed = r.to >= 0;
  if (fixed) {
    if (r.newPages > k.taskPages || r.to > k.taskPages - r.newPages) return "EINVAL";
    if (r.addr + r.oldPages > r.to && r.to + r.newPages > r.addr) return "EINVAL";
  }
  if (mm.vmas.count + 2 >= k.profile.maxMapCount - 3) return "ENOMEM";
  if (fixed) {
    const failed = yield* unmapRange(k, mm, r.to, r.to + r.newPages);
    if (failed !== null) return failed;
  }
  if (r.oldPages > r.newPages) {
    const failed = yield* shrinkVma(k, mm, r);
    if (failed !== null) return failed;
    r.oldPages = r.newPages;
  }
  const vma = vmaToResize(mm, r);
  if (typeof vma === "string") return vma;
  if (!fixed) r.to = findRoom(r.newPages);
  return r.to < 0 ? "ENOMEM" : yield* moveVma(k, mm, vma, r);
}

/** mremap(2). On success r.to is where the mapping is. `findRoom` finds a free range if the kernel may choose. */
export function* mremapUnchecked(
  k: KernelState,
  mm: Mm,
  r: RemapRequest,
  findRoom: (pages: number) => number,
): Path<Errno | null> {
  if (r.newPages === 0 || (r.dontUnmap && r.newPages !== r.oldPages)) return "EINVAL";
  const vma = mm.vmas.lookup(r.addr);
  if (vma === undefined) return "EFAULT";
  if ((vma.flags & VM_HUGETLB) !== 0) {
    r.oldPages = Math.ceil(r.oldPages / PMD_PAGES) * PMD_PAGES;
    r.newPages = Math.ceil(r.newPages / PMD_PAGES) * PMD_PAGES;
    if (r.addr % PMD_PAGES !== 0 || (r.to >= 0 && r.to % PMD_PAGES !== 0) || r.newPages > r.oldPages) return "EINVAL";
  }
  if (r.to >= 0 || r.dontUnmap) return yield* mremapTo(k, mm, r, findRoom);
  r.to = r.addr;
  if (r.newPages === r.oldPages) return null;
  if (r.newPages < r.oldPages) return yield* shrinkVma(k, mm, r);
  const grown = vmaToResize(mm, r);
  if (typeof grown === "string") return grown;
  if (yield* expandInPlace(k, mm, grown, r)) return null;
  if (!r.mayMove) return "ENOMEM";
  r.to = findRoom(r.newPages);
  return r.to < 0 ? "ENOMEM" : yield* moveVma(k, mm, grown, r);
}
