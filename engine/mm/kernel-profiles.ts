/** The kernel profiles that come with the lab, as data. kernel-profile.ts documents the fields. */

import { PTRS_PER_TABLE } from "./geometry.ts";
import type { KernelProfile } from "./kernel-profile.ts";
import { differingFields, type ProfileFieldName } from "./kernel-profile-fields.ts";

/** 6.18 as distributed: 4 levels, transparent huge pages by madvise. The basis of everything deterministic. */
export const REFERENCE_PROFILE: KernelProfile = {
  name: "reference",
  ptReclaim: true,
  levels: 4,
  depositedTables: true,
  zeroPage: true,
  hugeZeroPage: true,
  hugeZeroWrite: "huge",
  guardAnon: true,
  guardFile: true,
  guardMark: "flag",
  processMadviseSelf: true,
  mremapSeveral: true,
  mremapChecksFirst: true,
  dontUnmapApart: false,
  dontUnmapAlone: false,
  dontUnmapRealigns: false,
  protectUncharges: true,
  mergesUnfaulted: true,
  mapsBetween: true,
  mremapRealigns: true,
  collapseShort: false,
  stackNoHugePages: true,
  collapseReadOnly: true,
  collapseRetractsAll: true,
  collapseMakesPmd: true,
  collapseSkipsNone: false,
  pageoutKeepsHuge: true,
  noHugePageFaultsSmall: true,
  faultMapsFolio: "any",
  populateStopsAtHole: true,
  anonVmaNames: true,
  uffdWp: "all",
  uffdWpUnpopulated: true,
  uffdWpAsync: true,
  uffdOwnOnly: true,
  uffdMove: true,
  softDirty: true,
  thpEnabled: "madvise",
  thpSizes: { "2048": "inherit" },
  shmemHuge: "never",
  khugepaged: false,
  khugepagedMaxPtesNone: PTRS_PER_TABLE - 1,
  khugepagedMaxPtesSwap: 64,
  khugepagedMaxPtesShared: 256,
  overcommit: "heuristic",
  maxMapCount: 65530,
  stackPages: 2048,
  swap: false,
  hugetlbPages: 0,
};

/** Linux 6.12, the kernel of Debian 13: before the series, guards, and moves of several mappings. */
const PROFILE_6_12: KernelProfile = {
  ...REFERENCE_PROFILE,
  name: "6.12",
  ptReclaim: false,
  hugeZeroWrite: "split",
  guardAnon: false,
  guardFile: false,
  guardMark: "anon_vma",
  processMadviseSelf: false,
  mremapSeveral: false,
  mremapChecksFirst: false,
  dontUnmapApart: true,
  dontUnmapRealigns: true,
  mergesUnfaulted: false,
  collapseReadOnly: false,
  collapseMakesPmd: false,
  faultMapsFolio: "write",
  uffdOwnOnly: false,
};

/** Linux 6.1, the kernel of Debian 12. */
const PROFILE_6_1: KernelProfile = {
  ...PROFILE_6_12,
  name: "6.1",
  dontUnmapApart: false,
  dontUnmapRealigns: false,
  protectUncharges: false,
  mapsBetween: false,
  mremapRealigns: false,
  stackNoHugePages: false,
  collapseRetractsAll: false,
  pageoutKeepsHuge: false,
  noHugePageFaultsSmall: false,
  faultMapsFolio: "none",
  populateStopsAtHole: false,
  uffdWpUnpopulated: false,
  uffdWpAsync: false,
  uffdMove: false,
};

/** Linux 7.2. */
const PROFILE_7_2: KernelProfile = { ...REFERENCE_PROFILE, name: "7.2", collapseShort: true, collapseSkipsNone: true };

/** 6.18 without shared zero pages, as in some hypervisors' guests (boot option pvm_no_zero_page=1). */
const PROFILE_NO_ZERO_PAGE: KernelProfile = {
  ...REFERENCE_PROFILE,
  name: "6.18-no-zero-page",
  zeroPage: false,
  hugeZeroPage: false,
};

/** By name. */
export const KERNEL_PROFILES: ReadonlyMap<string, KernelProfile> = new Map(
  [REFERENCE_PROFILE, PROFILE_6_1, PROFILE_6_12, PROFILE_7_2, PROFILE_NO_ZERO_PAGE].map((profile) => [
    profile.name,
    profile,
  ]),
);

/** The built-in profile from which a profile differs in the fewest fields, and those fields. */
export function nearestProfile(profile: KernelProfile): {
  readonly known: KernelProfile;
  readonly differs: readonly ProfileFieldName[];
} {
  const all = [...KERNEL_PROFILES.values()].map((known) => ({ known, differs: differingFields(profile, known) }));
  return all.reduce((best, each) => (each.differs.length < best.differs.length ? each : best));
}
