/** The fields of a kernel profile in words, and the validation of profiles from outside (a file, the probe, a stored run). */

import { BadInputError } from "../error.ts";
import { PMD_PAGES, pagesKb } from "./geometry.ts";
import type { KernelProfile, ShmemHuge, ThpEnabled, ThpSizeEnabled } from "./kernel-profile.ts";

/** A field: which values it may have, and a value in words. */
export interface ProfileField<T> {
  /** The label. */
  readonly label: string;
  /** One sentence about this value, without a full stop. */
  readonly say: (value: T) => string;
  /** Why the value is refused; null if it is valid. */
  readonly refuse: (value: unknown) => string | null;
}

type Fields = { readonly [K in keyof KernelProfile]: ProfileField<KernelProfile[K]> };

function refuseBoolean(value: unknown): string | null {
  return typeof value === "boolean" ? null : "it must be true or false";
}

const oneOf =
  (values: readonly (string | number)[]) =>
  (value: unknown): string | null =>
    values.some((each) => each === value)
      ? null
      : `it must be one of ${values.map((each) => JSON.stringify(each)).join(", ")}`;

const wholeNumber =
  (most: number) =>
  (value: unknown): string | null =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most
      ? null
      : `it must be a whole number from 0 to ${most}`;

function yesNo(label: string, yes: string, no: string): ProfileField<boolean> {
  return { label, say: (value) => (value ? yes : no), refuse: refuseBoolean };
}

function count(label: string, most: number, say: (value: number) => string): ProfileField<number> {
  return { label, say, refuse: wholeNumber(most) };
}

const THP_ENABLED: readonly ThpEnabled[] = ["always", "madvise", "never"];
const THP_SIZE_ENABLED: readonly ThpSizeEnabled[] = [...THP_ENABLED, "inherit"];
const SHMEM_HUGE: readonly ShmemHuge[] = ["always", "within_size", "advise", "never", "deny", "force"];
/** Sizes of huge pages that anonymous memory can have, in kB. */
const THP_SIZES_KB = [16, 32, 64, 128, 256, 512, 1024, 2048];
const NAME_LENGTH_MAX = 200;
const PAGES_MAX = 2 ** 44;

function refuseSizes(value: unknown): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return 'it must be an object such as {"64": "always"}';
  for (const [size, enabled] of Object.entries(value)) {
    if (!THP_SIZES_KB.includes(Number(size)))
      return `${JSON.stringify(size)} is not a size in kB; sizes are ${THP_SIZES_KB.join(", ")}`;
    const why = oneOf(THP_SIZE_ENABLED)(enabled);
    if (why !== null) return `for ${size} kB ${why}`;
  }
  return null;
}

function saySizes(sizes: KernelProfile["thpSizes"]): string {
  const some = Object.entries(sizes).filter(([size, enabled]) => enabled !== (size === "2048" ? "inherit" : "never"));
  if (some.length === 0)
    return "No setting for a single size: only 2 MiB, which follow the transparent huge page setting";
  return `By size: ${some.map(([size, enabled]) => `${size} kB ${enabled}`).join(", ")}`;
}

/** One line: no control characters, and none that turns the direction of writing. */
const NAME = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u;

/** In the order in which they are shown. */
export const PROFILE_FIELDS: Fields = {
  name: {
    label: "Name",
    say: (name) => `Kernel profile ${name}`,
    refuse: (value) =>
      typeof value === "string" && value.length <= NAME_LENGTH_MAX && NAME.test(value)
        ? null
        : `it must be text of 1 to ${NAME_LENGTH_MAX} characters, on one line`,
  },
  ptReclaim: yesNo(
    "Page-table reclaim",
    "MADV_DONTNEED frees the PTE tables that it empties",
    "MADV_DONTNEED leaves the PTE tables that it empties",
  ),
  levels: {
    label: "Page-table levels",
    say: (levels) => `Page tables have ${levels === 5 ? "five" : "four"} levels`,
    refuse: oneOf([4, 5]),
  },
  depositedTables: yesNo(
    "Deposited tables",
    "A PTE table is deposited under an anonymous huge page, and VmPTE counts it",
    "No PTE table is deposited under an anonymous huge page",
  ),
  zeroPage: yesNo(
    "Zero page",
    "Reads of untouched memory map the shared zero page",
    "There is no shared zero page: each read of an untouched page allocates one",
  ),
  hugeZeroPage: yesNo(
    "Huge zero page",
    "Reads of untouched huge memory map the huge zero page",
    "There is no huge zero page: a read of untouched huge memory allocates a huge page",
  ),
  hugeZeroWrite: {
    label: "Write to the huge zero page",
    say: (value) =>
      value === "huge"
        ? "A write to the huge zero page allocates a huge page"
        : "A write to the huge zero page splits it into small pages",
    refuse: oneOf(["huge", "split"]),
  },
  guardAnon: yesNo(
    "Guard pages, anonymous",
    "MADV_GUARD_INSTALL works on anonymous memory",
    "There is no MADV_GUARD_INSTALL (EINVAL)",
  ),
  guardFile: yesNo(
    "Guard pages, files",
    "MADV_GUARD_INSTALL works on file and shared memory",
    "MADV_GUARD_INSTALL refuses file and shared memory (EINVAL)",
  ),
  guardMark: {
    label: "Mark of guarded memory",
    say: (value) =>
      value === "flag"
        ? "Memory with guard pages has a flag of its own, which does not prevent merging"
        : "Memory with guard pages is marked by an anon_vma, which may keep mappings from merging",
    refuse: oneOf(["anon_vma", "flag"]),
  },
  processMadviseSelf: yesNo(
    "process_madvise on the calling process",
    "process_madvise on the calling process accepts every advice",
    "process_madvise on the calling process refuses MADV_DONTNEED (EINVAL)",
  ),
  mremapSeveral: yesNo(
    "mremap of several mappings",
    "mremap moves several mappings in one call",
    "mremap refuses a range of several mappings (EFAULT)",
  ),
  mremapChecksFirst: yesNo(
    "Refused mremap",
    "A refused mremap leaves its destination alone",
    "A refused mremap has already unmapped its destination",
  ),
  dontUnmapApart: yesNo(
    "Source of MREMAP_DONTUNMAP",
    "MREMAP_DONTUNMAP unlocks only the part that it moves, and that part does not merge with its source",
    "MREMAP_DONTUNMAP of a part of a mapping unlocks the whole mapping",
  ),
  dontUnmapAlone: yesNo(
    "Copy of MREMAP_DONTUNMAP",
    "What MREMAP_DONTUNMAP moves beside its source merges with nothing",
    "What MREMAP_DONTUNMAP moves beside its source may merge with the mapping at its other side",
  ),
  dontUnmapRealigns: yesNo(
    "Memory emptied by MREMAP_DONTUNMAP",
    "Memory that was moved before merges with new memory beside it once MREMAP_DONTUNMAP has emptied it",
    "Memory that was moved before stays separate from new memory beside it after MREMAP_DONTUNMAP has emptied it",
  ),
  protectUncharges: yesNo(
    "Untouched memory made read-only",
    "Untouched memory that mprotect makes read-only is no longer counted as committed, and merges with read-only memory beside it",
    "Untouched memory that mprotect makes read-only is still counted as committed, and stays separate from memory that was never writable",
  ),
  mergesUnfaulted: yesNo(
    "Merging with untouched memory",
    "A mapping without pages merges with one that has pages",
    "Some mappings stay separate after moves: one without pages does not merge with one that has pages",
  ),
  mapsBetween: yesNo(
    "Mapping between neighbours",
    "A new mapping merges with both neighbours if only the one after it has pages",
    "A new mapping does not merge with an untouched one before it if the one after it has pages",
  ),
  mremapRealigns: yesNo(
    "mremap within a table",
    "mremap moves whole tables even if its range begins within one, provided nothing else is mapped there",
    "mremap moves pages one by one if its range begins within a table",
  ),
  collapseShort: yesNo(
    "MADV_COLLAPSE within 2 MiB",
    "MADV_COLLAPSE strictly within 2 MiB succeeds and does nothing",
    "MADV_COLLAPSE strictly within 2 MiB is refused (EINVAL)",
  ),
  stackNoHugePages: yesNo(
    "MAP_STACK",
    "MAP_STACK memory gets no huge pages, and does not merge with other memory",
    "MAP_STACK has no effect",
  ),
  collapseReadOnly: yesNo(
    "Collapse without a writable page",
    "Memory without a writable page can be collapsed into a huge page",
    "Memory without a writable page cannot be collapsed into a huge page (EINVAL)",
  ),
  collapseRetractsAll: yesNo(
    "Collapse of mapped files",
    "MADV_COLLAPSE of a file frees the tables of all its mappings, including a private mapping written elsewhere",
    "MADV_COLLAPSE of a file frees only the table in its range, and refuses a private mapping that was written (EINVAL)",
  ),
  collapseMakesPmd: yesNo(
    "Collapse of untouched mappings of files",
    "MADV_COLLAPSE of a file maps the huge page even where nothing in its 1 GiB was touched",
    "MADV_COLLAPSE of a file collapses it but does not map it (EINVAL) where nothing in its 1 GiB was touched",
  ),
  collapseSkipsNone: yesNo(
    "Collapse over untouched memory",
    "MADV_COLLAPSE continues after 2 MiB in which nothing was touched, though it fails (EINVAL)",
    "MADV_COLLAPSE ends at the first 2 MiB in which nothing was touched (EINVAL), unless nothing in its 1 GiB was",
  ),
  pageoutKeepsHuge: yesNo(
    "MADV_PAGEOUT of huge pages of shared memory",
    "Without swap, MADV_PAGEOUT leaves huge pages of shared memory whole",
    "Without swap, MADV_PAGEOUT splits huge pages of shared memory into small pages",
  ),
  noHugePageFaultsSmall: yesNo(
    "MADV_NOHUGEPAGE of files",
    "A mapping with MADV_NOHUGEPAGE maps small pages even where the file has huge pages",
    "A mapping with MADV_NOHUGEPAGE still maps huge pages that the file has",
  ),
  faultMapsFolio: {
    label: "Small entries of huge pages of files",
    say: (value) =>
      ({
        any: "Where a huge page of a file is mapped by small entries, the first fault maps all of it",
        write:
          "Where a huge page of a file is mapped by small entries, the first fault maps all of it if it is a write",
        none: "Where a huge page of a file is mapped by small entries, a fault maps 4 KiB, or 64 KiB by a read",
      })[value],
    refuse: oneOf(["any", "write", "none"]),
  },
  populateStopsAtHole: yesNo(
    "MADV_POPULATE over a hole",
    "MADV_POPULATE_READ and _WRITE stop at the first hole in the range",
    "MADV_POPULATE_READ and _WRITE continue after a hole in the range, but still fail",
  ),
  anonVmaNames: yesNo(
    "Names of anonymous memory",
    "Anonymous memory can have names, and merges only with memory of the same name",
    "Anonymous memory has no names",
  ),
  uffdWp: {
    label: "Write-protection by userfaultfd",
    say: (value) =>
      ({
        none: "userfaultfd cannot write-protect memory, or this user may not use it",
        anon: "userfaultfd write-protects anonymous memory only",
        all: "userfaultfd write-protects anonymous, shared and hugetlb memory",
      })[value],
    refuse: oneOf(["none", "anon", "all"]),
  },
  uffdWpUnpopulated: yesNo(
    "userfaultfd: memory without pages",
    "userfaultfd can write-protect memory that has no pages yet",
    "userfaultfd cannot write-protect anonymous memory that has no pages yet",
  ),
  uffdWpAsync: yesNo(
    "userfaultfd: asynchronous",
    "userfaultfd can let the kernel resolve write faults by itself",
    "userfaultfd cannot let the kernel resolve write faults by itself",
  ),
  uffdOwnOnly: yesNo(
    "userfaultfd: unregistering",
    "A userfaultfd cannot unregister memory of another one (EINVAL)",
    "A userfaultfd can unregister memory of another one",
  ),
  uffdMove: yesNo("UFFDIO_MOVE", "userfaultfd can move pages", "userfaultfd cannot move pages"),
  softDirty: yesNo("Soft-dirty bits", "Entries have soft-dirty bits", "Entries have no soft-dirty bits"),
  thpEnabled: {
    label: "Transparent huge pages",
    say: (value) =>
      ({
        always: "Transparent huge pages are used wherever they fit",
        madvise: "Transparent huge pages are used where a program asks for them",
        never: "Transparent huge pages are off",
      })[value],
    refuse: oneOf(THP_ENABLED),
  },
  thpSizes: { label: "Huge pages by size", say: saySizes, refuse: refuseSizes },
  shmemHuge: {
    label: "Huge pages of shared memory",
    say: (value) =>
      ({
        always: "Shared memory is in huge pages wherever they fit",
        within_size: "Shared memory is in huge pages where the file is long enough",
        advise: "Shared memory is in huge pages where a program asks for them",
        never: "Shared memory is in small pages",
        deny: "Shared memory is in small pages, whatever the mount option says",
        force: "Shared memory is in huge pages everywhere",
      })[value],
    refuse: oneOf(SHMEM_HUGE),
  },
  khugepaged: yesNo(
    "khugepaged",
    "khugepaged scans while a program waits",
    "khugepaged runs too rarely to be seen in a run",
  ),
  khugepagedMaxPtesNone: count(
    "khugepaged: missing pages",
    PMD_PAGES - 1,
    (n) => `khugepaged collapses 2 MiB in which at most ${n} pages are missing`,
  ),
  khugepagedMaxPtesSwap: count(
    "khugepaged: pages in swap",
    PMD_PAGES,
    (n) => `khugepaged collapses 2 MiB in which at most ${n} pages are in swap`,
  ),
  khugepagedMaxPtesShared: count(
    "khugepaged: shared pages",
    PMD_PAGES,
    (n) => `khugepaged collapses 2 MiB in which at most ${n} pages are shared after fork`,
  ),
  overcommit: {
    label: "Overcommit",
    say: (value) =>
      ({
        heuristic: "More memory may be mapped than there is, within limits (vm.overcommit_memory 0)",
        always: "Any amount of memory may be mapped (vm.overcommit_memory 1)",
        strict: "No more memory may be mapped than there is (vm.overcommit_memory 2)",
      })[value],
    refuse: oneOf(["heuristic", "always", "strict"]),
  },
  maxMapCount: count("Mappings of a process", 2 ** 31, (n) => `A process may have ${n} mappings`),
  stackPages: count("Size of a stack", PAGES_MAX, (n) =>
    n === 0 ? "A stack has no limit of its own" : `A stack may have ${pagesKb(n)} kB`,
  ),
  swap: yesNo("Swap space", "There is swap space", "There is no swap space"),
  hugetlbPages: count("hugetlb pool", PAGES_MAX, (n) => `The hugetlb pool has ${n} free pages of 2 MiB`),
};

export type ProfileFieldName = keyof KernelProfile;

export const PROFILE_FIELD_NAMES = Object.keys(PROFILE_FIELDS) as readonly ProfileFieldName[];

/** One sentence about a field of a profile, without a full stop. */
export function sayField<K extends ProfileFieldName>(profile: KernelProfile, field: K): string {
  return PROFILE_FIELDS[field].say(profile[field]);
}

/** The fields in which two profiles differ. */
export function differingFields(one: KernelProfile, other: KernelProfile): ProfileFieldName[] {
  const plain = (profile: KernelProfile, field: ProfileFieldName): string => {
    const value = profile[field];
    return typeof value === "object" ? JSON.stringify(Object.entries(value).sort()) : String(value);
  };
  return PROFILE_FIELD_NAMES.filter((field) => field !== "name" && plain(one, field) !== plain(other, field));
}

/** Why this field cannot have this value; null if it can. */
function whyNot(name: string, value: unknown): string | null {
  const known = PROFILE_FIELD_NAMES.find((each) => each === name);
  if (known === undefined) return `there is no field ${JSON.stringify(name)}`;
  const why = PROFILE_FIELDS[known].refuse(value);
  return why === null ? null : `${name} is ${JSON.stringify(value)}; ${why}`;
}

/**
 * Parsed JSON as a profile. `where`: the file, run or program it comes from, for errors.
 * Throws BadInputError if a field is missing, unknown or has an invalid value.
 */
export function parseKernelProfile(value: unknown, where: string): KernelProfile {
  const bad = (why: string): never => {
    throw new BadInputError("this is not a kernel profile", {
      where,
      why,
      todo: "reclaim-lab doctor --json prints one; docs/kernels.md lists the fields",
    });
  };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return bad("it is not a JSON object");
  const given = new Map<string, unknown>(Object.entries(value));
  const missing = PROFILE_FIELD_NAMES.filter((name) => !given.has(name));
  if (missing.length > 0) return bad(`the fields ${missing.join(", ")} are missing`);
  for (const [name, field] of given) {
    const why = whyNot(name, field);
    if (why !== null) return bad(why);
  }
  return value satisfies object as KernelProfile;
}
