/**
 * Calls of a trace that failed but had an effect. How far they went is found by executing them again: if the model has
 * a reason to fail too, it fails at the same place. If not, the reason is unknown to the model (a limit of the
 * traced process, a feature that its kernel lacked), and the call does nothing. Ranges are in pages.
 */

import { PMD_PAGES, pmdIndex, pteIndex, slotEnd } from "./geometry.ts";
import { refusesFlags } from "./madvise-flags.ts";
import type { MadviseOp, MlockOp, MprotectOp } from "./operation.ts";
import { pmdTable } from "./pgtable.ts";
import { KIND_MARKER_GUARD, KIND_MASK } from "./pte.ts";
import type { KernelState, Mm } from "./state.ts";
import { VM_ACCESS_FLAGS, VM_HUGETLB, VM_LOCKED, VM_READ, VM_WRITE, type Vma } from "./vma.ts";

/** Is there a guard marker in [start, end)? */
function hasGuard(k: KernelState, mm: Mm, start: number, end: number): boolean {
  for (let page = start; page < end; ) {
    const stop = slotEnd(page, end, PMD_PAGES);
    const pmd = pmdTable(k, mm, page);
    const row = pmd === 0 ? 0 : k.tables.child(pmd, pmdIndex(page));
    if (row > 0) {
      const last = pteIndex(page) + (stop - page);
      for (let at = pteIndex(page); at < last; at = k.tables.stretchEnd(row, at, last))
        if ((k.tables.pte(row, at) & KIND_MASK) === KIND_MARKER_GUARD) return true;
    }
    page = stop;
  }
  return false;
}

/** Do accesses to what comes before page `end` reach beyond the end of the VMA's file? */
function endsBefore(vma: Vma, end: number): boolean {
  return vma.file !== null && vma.pgoff + (end - vma.start) > vma.file.sizePages;
}

type TracedCall = MadviseOp | MlockOp | MprotectOp;

/** Is there anything in this part of the VMA that the call fails at? */
function refuses(k: KernelState, mm: Mm, vma: Vma, op: TracedCall, start: number, end: number): boolean {
  if (op.op === "mprotect") return false;
  if (op.op === "mlock")
    return (vma.flags & VM_ACCESS_FLAGS) === 0 || endsBefore(vma, end) || hasGuard(k, mm, start, end);
  switch (op.advice) {
    case "populate_read":
      return (vma.flags & VM_READ) === 0;
    case "populate_write":
      return (vma.flags & VM_WRITE) === 0;
    case "guard_install":
    case "cold":
    case "pageout":
      return (vma.flags & (VM_LOCKED | VM_HUGETLB)) !== 0;
    default:
      return refusesFlags(vma, op.advice);
  }
}

/** Does the call fail here too, at a hole in [start, end) or at a VMA that refuses it? */
export function wouldFail(k: KernelState, mm: Mm, op: TracedCall, start: number, end: number): boolean {
  for (let page = start; page < end; ) {
    const vma = mm.vmas.lookup(page);
    if (vma === undefined) return true;
    const stop = Math.min(vma.end, end);
    if (refuses(k, mm, vma, op, page, stop)) return true;
    page = stop;
  }
  return false;
}
