/** What the probe's `profile` said of a kernel, and the kernel profile that it makes. Pure: a guest's answers are read like the machine's own. */
import type { KernelProfile, ShmemHuge, ThpEnabled, ThpSizeEnabled } from "../engine/mm/kernel-profile.ts";
import { PROFILE_FIELDS, parseKernelProfile } from "../engine/mm/kernel-profile-fields.ts";
import { REFERENCE_PROFILE } from "../engine/mm/kernel-profiles.ts";

/** One behaviour that was tried. */
export interface Finding {
  readonly name: string;
  /** `yes`, `no`, a word, a number, or `unknown`. */
  readonly value: string;
  /** What was seen, or why it could not be tried. */
  readonly seen: string;
}

/** A field that could not be found out; the profile then has what the reference has. */
export interface Unknown {
  readonly field: keyof KernelProfile;
  readonly why: string;
}

export interface FoundProfile {
  readonly profile: KernelProfile;
  readonly findings: readonly Finding[];
  readonly unknown: readonly Unknown[];
}

/** Parses the probe's lines, NAME <tab> VALUE <tab> WHAT WAS SEEN; others are passed over. */
export function parseFindings(text: string): Finding[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [name, value, seen = "", ...rest] = line.split("\t");
    return value === undefined || rest.length > 0 || !/^[a-z_]+$/.test(name) ? [] : [{ name, value, seen }];
  });
}

const SHMEM: readonly ShmemHuge[] = ["always", "within_size", "advise", "never", "deny", "force"];
const OVERCOMMIT = { heuristic: "heuristic", always: "always", never: "strict" } as const;
/** Rarer than this, in ms, khugepaged is not met within a script or a short run. */
const KHUGEPAGED_OFTEN_MS = 1000;

/** Which findings a field is made of, and how. undefined: it cannot be said. */
type Read = (of: (name: string) => string | undefined) => unknown;

const yes =
  (name: string): Read =>
  (of) => {
    const value = of(name);
    return value === "yes" ? true : value === "no" ? false : undefined;
  };
const number =
  (name: string): Read =>
  (of) => {
    const value = of(name);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  };
const word =
  (name: string, words: readonly string[]): Read =>
  (of) =>
    words.find((each) => each === of(name));

function thpSizes(text: string | undefined): Record<string, ThpSizeEnabled> | undefined {
  if (text === undefined || text === "unknown") return undefined;
  // Before 6.8 single sizes cannot be set.
  if (text === "absent") return { "2048": "inherit" };
  if (text === "none") return { "2048": "never" };
  return Object.fromEntries(
    text.split(",").map((part) => {
      const [size, enabled] = part.split(":");
      return [size, enabled as ThpSizeEnabled];
    }),
  );
}

const READS: { readonly [K in Exclude<keyof KernelProfile, "name">]: { readonly from: string; readonly read: Read } } =
  {
    ptReclaim: { from: "reclaim", read: yes("reclaim") },
    levels: { from: "levels", read: number("levels") },
    depositedTables: { from: "thp_deposit", read: yes("thp_deposit") },
    zeroPage: { from: "zero_page", read: yes("zero_page") },
    hugeZeroPage: { from: "thp_read", read: (of) => ({ zero: true, page: false })[of("thp_read") ?? ""] },
    hugeZeroWrite: { from: "thp_zero_write", read: word("thp_zero_write", ["huge", "split"]) },
    guardAnon: { from: "guard_anon", read: yes("guard_anon") },
    guardFile: { from: "guard_file", read: yes("guard_file") },
    guardMark: {
      from: "guard_mark",
      read: (of) => (of("guard_file") === "no" ? "anon_vma" : word("guard_mark", ["anon_vma", "flag"])(of)),
    },
    processMadviseSelf: { from: "process_madvise_self", read: yes("process_madvise_self") },
    mremapSeveral: { from: "mremap_multi", read: yes("mremap_multi") },
    mremapChecksFirst: { from: "mremap_checks_first", read: yes("mremap_checks_first") },
    dontUnmapApart: { from: "dontunmap_apart", read: yes("dontunmap_apart") },
    dontUnmapAlone: { from: "dontunmap_alone", read: yes("dontunmap_alone") },
    dontUnmapRealigns: { from: "dontunmap_realigns", read: yes("dontunmap_realigns") },
    protectUncharges: { from: "protect_uncharges", read: yes("protect_uncharges") },
    mergesUnfaulted: { from: "merges_unfaulted", read: yes("merges_unfaulted") },
    mapsBetween: { from: "maps_between", read: yes("maps_between") },
    mremapRealigns: { from: "mremap_realigns", read: yes("mremap_realigns") },
    collapseShort: { from: "collapse_short", read: yes("collapse_short") },
    stackNoHugePages: { from: "stack_no_huge_pages", read: yes("stack_no_huge_pages") },
    collapseReadOnly: { from: "collapse_read_only", read: yes("collapse_read_only") },
    collapseRetractsAll: { from: "collapse_retracts_all", read: yes("collapse_retracts_all") },
    collapseMakesPmd: { from: "collapse_makes_pmd", read: yes("collapse_makes_pmd") },
    collapseSkipsNone: { from: "collapse_skips_none", read: yes("collapse_skips_none") },
    pageoutKeepsHuge: { from: "pageout_keeps_huge", read: yes("pageout_keeps_huge") },
    noHugePageFaultsSmall: { from: "no_huge_page_faults_small", read: yes("no_huge_page_faults_small") },
    faultMapsFolio: {
      from: "fault_maps_folio",
      read: (of) =>
        of("no_huge_page_faults_small") === "no" ? "none" : word("fault_maps_folio", ["any", "write", "none"])(of),
    },
    populateStopsAtHole: { from: "populate_stops", read: yes("populate_stops") },
    anonVmaNames: { from: "anon_vma_name", read: yes("anon_vma_name") },
    uffdWp: {
      from: "uffd_wp",
      read: (of) => {
        if (of("uffd_wp") === "no") return "none";
        if (of("uffd_wp") !== "yes") return undefined;
        return of("uffd_wp_shmem") === "yes" ? "all" : "anon";
      },
    },
    uffdWpUnpopulated: { from: "uffd_wp_unpopulated", read: yes("uffd_wp_unpopulated") },
    uffdWpAsync: { from: "uffd_wp_async", read: yes("uffd_wp_async") },
    uffdOwnOnly: { from: "uffd_own_only", read: yes("uffd_own_only") },
    uffdMove: { from: "uffd_move", read: yes("uffd_move") },
    softDirty: { from: "soft_dirty", read: yes("soft_dirty") },
    thpEnabled: {
      from: "set_thp",
      read: (of): ThpEnabled | undefined =>
        of("set_thp") === "absent"
          ? "never"
          : (["always", "madvise", "never"] as const).find((each) => each === of("set_thp")),
    },
    thpSizes: { from: "set_sizes", read: (of) => thpSizes(of("set_sizes")) },
    shmemHuge: {
      from: "set_shmem",
      read: (of) => (of("set_shmem") === "absent" ? "never" : word("set_shmem", SHMEM)(of)),
    },
    khugepaged: {
      from: "khugepaged_sleep",
      read: (of) => {
        const sleep = number("khugepaged_sleep")(of);
        return typeof sleep === "number"
          ? sleep < KHUGEPAGED_OFTEN_MS && of("set_thp") !== "never"
          : of("khugepaged") === "no"
            ? false
            : undefined;
      },
    },
    khugepagedMaxPtesNone: { from: "khugepaged_none", read: number("khugepaged_none") },
    khugepagedMaxPtesSwap: { from: "khugepaged_swap", read: number("khugepaged_swap") },
    khugepagedMaxPtesShared: { from: "khugepaged_shared", read: number("khugepaged_shared") },
    overcommit: { from: "overcommit", read: (of) => OVERCOMMIT[(of("overcommit") ?? "") as keyof typeof OVERCOMMIT] },
    maxMapCount: { from: "max_map_count", read: number("max_map_count") },
    stackPages: {
      from: "stack_limit",
      read: (of) => {
        const kb = number("stack_limit")(of);
        return of("stack_limit") === "unlimited" ? 0 : typeof kb === "number" ? kb >> 2 : undefined;
      },
    },
    swap: { from: "swap", read: yes("swap") },
    hugetlbPages: { from: "hugetlb_pages", read: number("hugetlb_pages") },
  };

/**
 * The profile that the findings make, with the reference's value where a behaviour could not be tried.
 * Errors: BadInputError where they make no profile (`where`: what answered).
 */
export function profileOf(findings: readonly Finding[], where: string): FoundProfile {
  const byName = new Map(findings.map((finding) => [finding.name, finding]));
  const of = (name: string): string | undefined => byName.get(name)?.value;
  const unknown: Unknown[] = [];
  const fields: Record<string, unknown> = { name: of("release") ?? "this" };
  for (const field of Object.keys(READS) as (keyof typeof READS)[]) {
    const { from, read } = READS[field];
    const value = read(of);
    fields[field] = value ?? REFERENCE_PROFILE[field];
    if (value === undefined)
      unknown.push({ field, why: byName.get(from)?.seen || `the probe did not say ${PROFILE_FIELDS[field].label}` });
  }
  return { profile: parseKernelProfile(fields, where), findings, unknown };
}
