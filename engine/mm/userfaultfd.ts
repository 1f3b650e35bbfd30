/** userfaultfd: registration in write-protect mode, write-protecting, moving (fs/userfaultfd.c, mm/userfaultfd.c). Ranges in pages. */

import type { Errno } from "./errno.ts";
import { changeProtection } from "./protect.ts";
import type { Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { type UffdContext, VM_UFFD_MASK, VM_UFFD_WP, type Vma, vmaIsAnonymous } from "./vma.ts";
import { vmaModify } from "./vma-merge.ts";

/** The process's userfaultfd of its current mode, created with that mode's features on first use. */
export function uffdOf(mm: Mm): UffdContext {
  const asynchronous = mm.uffdMode === "async";
  const ctx = mm.uffds[mm.uffdMode] ?? { wpAsync: asynchronous, wpUnpopulated: asynchronous };
  mm.uffds[mm.uffdMode] = ctx;
  return ctx;
}

/** Does the kernel provide a userfaultfd of the process's current mode (userfaultfd_api())? */
export function uffdAvailable(k: KernelState, mm: Mm): boolean {
  const { uffdWp, uffdWpAsync, uffdWpUnpopulated } = k.profile;
  return uffdWp !== "none" && (mm.uffdMode === "sync" || (uffdWpAsync && uffdWpUnpopulated));
}

/** vma_can_userfault() for write-protect mode. */
function canUserfault(k: KernelState, vma: Vma, ctx: UffdContext): boolean {
  if (ctx.wpAsync || vmaIsAnonymous(vma)) return true;
  return k.profile.uffdWp === "all" && (vma.file?.hugetlb === true || vma.file?.shmem === true);
}

/** UFFDIO_REGISTER with UFFDIO_REGISTER_MODE_WP. Holes are skipped; EINVAL if nothing is mapped or this type of memory cannot be registered. */
export function uffdRegister(k: KernelState, mm: Mm, start: number, end: number): Errno | null {
  const ctx = uffdOf(mm);
  if (mm.vmas.intersection(start, end) === undefined) return "EINVAL";
  for (const vma of mm.vmas.list) {
    if (vma.end <= start || vma.start >= end) continue;
    if (!canUserfault(k, vma, ctx)) return "EINVAL";
    if (vma.uffd !== null && vma.uffd !== ctx) return "EBUSY";
  }
  for (let page = start; page < end; ) {
    const vma = mm.vmas.intersection(page, end);
    if (vma === undefined) break;
    const from = Math.max(vma.start, page);
    const stop = Math.min(vma.end, end);
    if (vma.uffd !== ctx || (vma.flags & VM_UFFD_WP) === 0) {
      const flags = (vma.flags & ~VM_UFFD_MASK) | VM_UFFD_WP;
      const part = vmaModify(k, mm, vma, from, stop, flags, ctx);
      if (part === null) return "ENOMEM";
      part.flags = flags;
      part.uffd = ctx;
    }
    page = stop;
  }
  return null;
}

function* unregisterVma(k: KernelState, mm: Mm, vma: Vma, start: number, end: number): Path<Errno | null> {
  if ((vma.flags & VM_UFFD_WP) !== 0) yield* changeProtection(k, mm, vma, start, end, "uffd_wp_resolve");
  const flags = vma.flags & ~VM_UFFD_MASK;
  const part = vmaModify(k, mm, vma, start, end, flags, null);
  if (part === null) return "ENOMEM";
  part.flags = flags;
  part.uffd = null;
  return null;
}

/** UFFDIO_UNREGISTER: protection and markers of the range go with it. */
export function* uffdUnregister(k: KernelState, mm: Mm, start: number, end: number): Path<Errno | null> {
  const ctx = uffdOf(mm);
  if (mm.vmas.intersection(start, end) === undefined) return "EINVAL";
  for (const vma of mm.vmas.list) {
    if (vma.end <= start || vma.start >= end) continue;
    if (!canUserfault(k, vma, ctx)) return "EINVAL";
    if (k.profile.uffdOwnOnly && vma.uffd !== null && vma.uffd !== ctx) return "EINVAL";
  }
  for (let page = start; page < end; ) {
    const vma = mm.vmas.intersection(page, end);
    if (vma === undefined) break;
    const from = Math.max(vma.start, page);
    const stop = Math.min(vma.end, end);
    if (vma.uffd !== null) {
      const failed = yield* unregisterVma(k, mm, vma, from, stop);
      if (failed !== null) return failed;
    }
    page = stop;
  }
  return null;
}

/** UFFDIO_WRITEPROTECT: mwriteprotect_range(). ENOENT if nothing is mapped, or at a VMA that is not registered. */
export function* uffdWriteprotect(
  k: KernelState,
  mm: Mm,
  start: number,
  end: number,
  protect: boolean,
): Path<Errno | null> {
  let status: Errno | null = "ENOENT";
  for (let page = start; page < end; ) {
    const vma = mm.vmas.intersection(page, end);
    if (vma === undefined) break;
    if ((vma.flags & VM_UFFD_WP) === 0) return "ENOENT";
    const from = Math.max(vma.start, page);
    const stop = Math.min(vma.end, end);
    yield* changeProtection(k, mm, vma, from, stop, protect ? "uffd_wp" : "uffd_wp_resolve");
    status = null;
    page = stop;
  }
  return status;
}
