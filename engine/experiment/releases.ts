/** What becomes of a program's releases of memory: the types and words that run, verdict, history and window share. */

/** What became of a MADV_DONTNEED; a call counts under the first that holds, its bytes under each their own. */
export const OUTCOMES = [
  "reclaimed",
  "huge_page",
  "split_vma",
  "marker",
  "below_table",
  "unaligned",
  "nothing_there",
  "failed",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The outcomes in words. */
export const OUTCOME_LABELS: Readonly<Record<Outcome, string>> = {
  reclaimed: "PTE tables reclaimed",
  huge_page: "huge pages: their tables are freed on any kernel",
  split_vma: "two mappings share the table",
  marker: "an entry had to stay (guard page or userfaultfd marker)",
  below_table: "smaller than the 2 MiB of a table",
  unaligned: "outside whole, aligned 2 MiB",
  nothing_there: "no table was there",
  failed: "the call failed",
};

export interface CallsAndBytes {
  readonly calls: number;
  readonly bytes: number;
}

const MIB = 2 ** 20;

/** Sizes of MADV_DONTNEED calls: the largest length in bytes of each class. */
export const SIZE_CLASSES = {
  up_to_64k: 64 * 1024,
  below_2m: 2 * MIB - 1,
  below_4m: 4 * MIB - 1,
  larger: Number.POSITIVE_INFINITY,
} as const;
export type SizeClass = keyof typeof SIZE_CLASSES;

/** Advice that gives memory back and never frees a private table. */
export const OTHER_ADVICE = ["free", "cold", "pageout", "remove"] as const;

/** Plain data, to be sent between processes. */
export interface Releases {
  readonly dontneed: CallsAndBytes;
  readonly outcomes: Readonly<Record<Outcome, CallsAndBytes>>;
  /** DONTNEED calls by size. */
  readonly sizes: Readonly<Record<SizeClass, number>>;
  readonly otherAdvice: Readonly<Record<(typeof OTHER_ADVICE)[number], CallsAndBytes>>;
  /** Memory that was unmapped: by munmap, or a break, mremap or mmap over it. */
  readonly munmap: CallsAndBytes;
  /** How large the heaps of glibc's malloc became; null where the program ran before its trace, absent where an older version made the run. */
  readonly heapBytes?: number | null;
}
