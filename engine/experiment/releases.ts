/** What becomes of a program's releases of memory: the types and words that run, verdict, history and window share. */

/** What became of a MADV_DONTNEED; a call counts under the first that holds, its bytes under each their own. */
export const OUTCOMES = [
  "reclaimed",
  "huge_page",
  "split_vma",
  "marker",
  "below_2mib",
  "unaligned",
  "nothing_there",
  "failed",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The outcomes in words. */
export const OUTCOME_LABELS: Readonly<Record<Outcome, string>> = {
  reclaimed: "PTE tables reclaimed",
  huge_page: "huge pages: their tables go on any kernel",
  split_vma: "two mappings share the table",
  marker: "an entry had to stay (guard page or userfaultfd marker)",
  below_2mib: "smaller than the 2 MiB of a table",
  unaligned: "covers no aligned 2 MiB",
  nothing_there: "no table was there",
  failed: "the call failed",
};

export interface CallsAndBytes {
  readonly calls: number;
  readonly bytes: number;
}

/** Sizes of MADV_DONTNEED calls: up to 64 KiB, below 2 MiB, below 4 MiB, and more. */
export const SIZE_CLASSES = [65_536, 2 ** 21 - 1, 2 ** 22 - 1, Number.POSITIVE_INFINITY] as const;

/** Plain data, to be sent between processes. */
export interface Releases {
  readonly dontneed: CallsAndBytes;
  readonly outcomes: Readonly<Record<Outcome, CallsAndBytes>>;
  /** DONTNEED calls by size, in the order of SIZE_CLASSES. */
  readonly sizes: readonly number[];
  /** Releases that never free a private table, by advice. */
  readonly otherAdvice: Readonly<Record<"free" | "cold" | "pageout" | "remove", CallsAndBytes>>;
  readonly munmap: CallsAndBytes;
}
