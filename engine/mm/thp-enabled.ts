/** Which huge page sizes memory may have (mm/huge_memory.c: thp_vma_allowable_orders(); mm/shmem.c: shmem_huge_global_enabled()). */

import type { MappedFile } from "./file.ts";
import { PMD_PAGES } from "./geometry.ts";
import type { KernelProfile, ThpEnabled } from "./kernel-profile.ts";
import { VM_HUGEPAGE, VM_NOHUGEPAGE, type Vma } from "./vma.ts";

const PAGE_KB = 4;
const PMD_KB = PMD_PAGES * PAGE_KB;

/** A huge page size below 2 MiB, and where it is used. */
export interface FolioSize {
  readonly pages: number;
  readonly enabled: ThpEnabled;
}

/** The effective settings of a profile. */
export interface ThpSettings {
  /** Huge pages of 2 MiB. */
  readonly pmd: ThpEnabled;
  /** Smaller ones that are used at all, the largest first. */
  readonly small: readonly FolioSize[];
}

export function thpSettings(profile: KernelProfile): ThpSettings {
  const { thpEnabled, thpSizes } = profile;
  const enabledOf = (sizeKb: number): ThpEnabled => {
    const enabled = thpSizes[sizeKb] ?? (sizeKb === PMD_KB ? "inherit" : "never");
    return enabled === "inherit" ? thpEnabled : enabled;
  };
  const small = Object.keys(thpSizes)
    .map(Number)
    .filter((sizeKb) => sizeKb < PMD_KB && enabledOf(sizeKb) !== "never")
    .sort((a, b) => b - a)
    .map((sizeKb) => ({ pages: sizeKb / PAGE_KB, enabled: enabledOf(sizeKb) }));
  return { pmd: enabledOf(PMD_KB), small };
}

/** Does the setting allow this VMA such pages? */
export function thpEnabledFor(enabled: ThpEnabled, vma: Vma): boolean {
  if ((vma.flags & VM_NOHUGEPAGE) !== 0) return false;
  return enabled === "always" || (enabled === "madvise" && (vma.flags & VM_HUGEPAGE) !== 0);
}

/** May the file's page at `offset` (in pages), faulted in or collapsed through `vma`, be one of a huge folio of shared memory? */
export function shmemHugeFor(profile: KernelProfile, file: MappedFile, vma: Vma, offset: number): boolean {
  if (!file.shmem || (vma.flags & VM_NOHUGEPAGE) !== 0) return false;
  switch (profile.shmemHuge) {
    case "always":
    case "force":
      return true;
    case "within_size":
      if (file.sizePages >= Math.ceil((offset + 1) / PMD_PAGES) * PMD_PAGES) return true;
      return (vma.flags & VM_HUGEPAGE) !== 0;
    case "advise":
      return (vma.flags & VM_HUGEPAGE) !== 0;
    default:
      return false;
  }
}
