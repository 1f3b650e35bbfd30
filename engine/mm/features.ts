/**
 * What a kernel does with empty PTE tables: a reclaim policy as a value. The paths test these features
 * and know no policies; engine/experiment/policies.ts maps policies to values.
 */

import { PMD_PAGES } from "./geometry.ts";

/** The patches of the series that change behaviour; each is tested in one place, in the function that it touches. */
export interface Patches {
  /** retract_page_tables() rechecks the PMD under both locks. */
  readonly recheckRetract: boolean;
  /** move_pages_pte() rechecks dst_pmd. */
  readonly recheckMove: boolean;
  /** zap_pte_range() finishes its PMD itself, retrying inside. */
  readonly fullWithinPmd: boolean;
  /** PTE tables that DONTNEED emptied are freed. */
  readonly reclaim: boolean;
  /** The follow-up fix: the fast path only where the PTE lock was never dropped. */
  readonly directReclaimFix: boolean;
  /** Single tables are freed by RCU instead of IPI. */
  readonly rcuSingle: boolean;
  /**
   * After the series: collapse_huge_page() checks the PMD once it has the VMA's write lock, which keeps DONTNEED out (6.17 checked it before;
   * mended by check_pmd_still_valid() after vma_start_write()).
   */
  readonly recheckCollapse: boolean;
}

/** The names of the series' patches on the command line, and their switches. */
export const PATCH_SWITCHES = {
  "1": "recheckRetract",
  "2": "recheckMove",
  "8": "fullWithinPmd",
  "9": "reclaim",
  "9fix": "directReclaimFix",
  "10": "rcuSingle",
  "617fix": "recheckCollapse",
} as const satisfies Record<string, keyof Patches>;

export type PatchName = keyof typeof PATCH_SWITCHES;

const ALL_PATCHES: Patches = {
  recheckRetract: true,
  recheckMove: true,
  fullWithinPmd: true,
  reclaim: true,
  directReclaimFix: true,
  rcuSingle: true,
  recheckCollapse: true,
};

/** A kernel before the series. */
const NO_PATCHES: Patches = {
  recheckRetract: false,
  recheckMove: false,
  fullWithinPmd: false,
  reclaim: false,
  directReclaimFix: false,
  rcuSingle: false,
  recheckCollapse: false,
};

/** The complete series without the named patches. */
export function patchesWithout(...names: readonly PatchName[]): Patches {
  const patches: Record<keyof Patches, boolean> = { ...ALL_PATCHES };
  for (const name of names) patches[PATCH_SWITCHES[name]] = false;
  return patches;
}

/** The part of KernelOptions that a policy sets: when an empty PTE table is freed, and by whom. Times in simulated ns, sizes in pages. */
export interface ReclaimFeatures {
  /** With `reclaim` in them MADV_DONTNEED frees tables that it empties. */
  readonly patches: Patches;
  /** The least share of a table's 2 MiB that makes DONTNEED look whether the table is empty: all of it in the series. */
  readonly reclaimPages: number;
  /** A table goes with its last entry, whatever removes that (pte-ref.ts). */
  readonly refcount: boolean;
  /** Tasks look for empty tables on their way back to user space (free-pt.ts): how often, and how far each time. */
  readonly scan: { readonly intervalNs: number; readonly pages: number } | null;
  /** madvise(MADV_PT_RECLAIM) is there, and asked for in the program's place so often. */
  readonly ask: { readonly intervalNs: number } | null;
}

/** Empty tables stay. */
export const NO_RECLAIM: ReclaimFeatures = {
  patches: NO_PATCHES,
  reclaimPages: PMD_PAGES,
  refcount: false,
  scan: null,
  ask: null,
};

/** The series. */
export const SYNC_RECLAIM: ReclaimFeatures = { ...NO_RECLAIM, patches: ALL_PATCHES };

/** The same features without a clock: scans and advice run only on request. */
export function withoutClock(features: ReclaimFeatures): ReclaimFeatures {
  const intervalNs = Number.POSITIVE_INFINITY;
  return {
    ...features,
    scan: features.scan === null ? null : { ...features.scan, intervalNs },
    ask: features.ask === null ? null : { intervalNs },
  };
}
