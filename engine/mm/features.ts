/**
 * What a kernel does about PTE tables that have become empty: a policy of reclaim as a value. The paths ask for these features
 * and know of no policy; engine/experiment/policies.ts says which policy is which value.
 */

/** The patches of the series that change behaviour; each is read in one place, at the function it touches. */
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
}

/** The names of the series' patches on the command line, and the switch that each is. */
export const PATCH_SWITCHES = {
  "1": "recheckRetract",
  "2": "recheckMove",
  "8": "fullWithinPmd",
  "9": "reclaim",
  "9fix": "directReclaimFix",
  "10": "rcuSingle",
} as const satisfies Record<string, keyof Patches>;

export type PatchName = keyof typeof PATCH_SWITCHES;

export const ALL_PATCHES: Patches = {
  recheckRetract: true,
  recheckMove: true,
  fullWithinPmd: true,
  reclaim: true,
  directReclaimFix: true,
  rcuSingle: true,
};

/** A kernel before the series. */
export const NO_PATCHES: Patches = {
  recheckRetract: false,
  recheckMove: false,
  fullWithinPmd: false,
  reclaim: false,
  directReclaimFix: false,
  rcuSingle: false,
};

/** The complete series with the named patches taken out. */
export function patchesWithout(...names: readonly PatchName[]): Patches {
  const patches: Record<keyof Patches, boolean> = { ...ALL_PATCHES };
  for (const name of names) patches[PATCH_SWITCHES[name]] = false;
  return patches;
}

/** What KernelOptions are made from: when an empty PTE table is freed, and by whom. */
export interface ReclaimFeatures {
  readonly patches: Patches;
}
