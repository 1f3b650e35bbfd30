/** Advice that only changes a VMA's flags (mm/madvise.c: madvise_vma_behavior; mm/khugepaged.c: hugepage_madvise). */

import type { Errno } from "./errno.ts";
import type { Advice } from "./operation.ts";
import type { KernelState, Mm } from "./state.ts";
import {
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_HUGEPAGE,
  VM_HUGETLB,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_WIPEONFORK,
  type Vma,
} from "./vma.ts";
import { vmaModify } from "./vma-merge.ts";

/** The flags that the advice gives the VMA, an errno where it cannot have it, or null for advice of another sort. */
function advisedFlags(vma: Vma, advice: Advice): number | Errno | null {
  const flags = vma.flags;
  switch (advice) {
    case "normal":
      return flags & ~(VM_RAND_READ | VM_SEQ_READ);
    case "random":
      return (flags & ~VM_SEQ_READ) | VM_RAND_READ;
    case "sequential":
      return (flags & ~VM_RAND_READ) | VM_SEQ_READ;
    case "dontfork":
      return flags | VM_DONTCOPY;
    case "dofork":
      return flags & ~VM_DONTCOPY;
    case "wipeonfork":
      return vma.file !== null || (flags & VM_SHARED) !== 0 ? "EINVAL" : flags | VM_WIPEONFORK;
    case "keeponfork":
      return flags & ~VM_WIPEONFORK;
    case "dontdump":
      return flags | VM_DONTDUMP;
    case "dodump":
      return flags & ~VM_DONTDUMP;
    case "hugepage":
      return (flags & ~VM_NOHUGEPAGE) | VM_HUGEPAGE;
    case "nohugepage":
      return (flags & ~VM_HUGEPAGE) | VM_NOHUGEPAGE;
    case "mergeable":
      return (flags & (VM_SHARED | VM_HUGETLB)) === 0 ? flags | VM_MERGEABLE : flags;
    case "unmergeable":
      return flags & ~VM_MERGEABLE;
    default:
      return null;
  }
}

/** Is this flag advice refused for the VMA? */
export function refusesFlags(vma: Vma, advice: Advice): boolean {
  return typeof advisedFlags(vma, advice) === "string";
}

/** Does this advice only change flags? */
export function isFlagAdvice(advice: Advice): boolean {
  return FLAG_ADVICE.has(advice);
}

const FLAG_ADVICE: ReadonlySet<Advice> = new Set<Advice>([
  "normal",
  "random",
  "sequential",
  "dontfork",
  "dofork",
  "wipeonfork",
  "keeponfork",
  "dontdump",
  "dodump",
  "hugepage",
  "nohugepage",
  "mergeable",
  "unmergeable",
]);

/** madvise_update_vma(): applies the advice to [start, end) of `vma`; EAGAIN if the process has too many VMAs to split one, EINVAL
 * within a huge page of hugetlb. */
export function adviseFlags(
  k: KernelState,
  mm: Mm,
  vma: Vma,
  start: number,
  end: number,
  advice: Advice,
): Errno | null {
  const flags = advisedFlags(vma, advice);
  if (typeof flags === "string") return flags;
  if (flags === null || flags === vma.flags) return null;
  const part = vmaModify(k, mm, vma, start, end, flags);
  if (part === null) return (vma.flags & VM_HUGETLB) !== 0 ? "EINVAL" : "EAGAIN";
  part.flags = flags;
  return null;
}
