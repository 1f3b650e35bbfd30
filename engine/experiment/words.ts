/**
 * The vocabulary: what things are called in the window, on the command line, in exports and in the documents. Policies have
 * their words in policies.ts, what becomes of releases in releases.ts, columns in types.ts.
 */
import { DEFAULT_BASELINE, type PolicyId, policyOf, SERIES_POLICY } from "./policies.ts";
import type { DeclinedReason, RunStatus, Source } from "./types.ts";

/** What the series is called where somebody meets it first. */
export const SERIES_NAME = "PT_RECLAIM (Linux 6.14)";

const SOURCE_WORDS: Readonly<Record<Source, string>> = { model: "model", kernel: "measured" };

export const STATUS_WORDS: Readonly<Record<RunStatus, string>> = {
  queued: "waiting",
  running: "running",
  done: "done",
  cancelled: "cancelled",
  failed: "failed",
  interrupted: "interrupted",
};

/** Why an empty table stayed. */
export const DECLINED_WORDS: Readonly<Record<DeclinedReason, { readonly label: string; readonly meaning: string }>> = {
  below_pmd: {
    label: "smaller than 2 MiB",
    meaning: "the range did not cover the whole table: other entries may live in it",
  },
  split_vma: { label: "two VMAs share the table", meaning: "the mapping ended inside the table's 2 MiB" },
  entry_kept: { label: "an entry was kept (guard, uffd-wp)", meaning: "an entry had to stay, so the table stayed" },
  refilled: {
    label: "refilled before the recheck",
    meaning: "another thread faulted a page in while the lock was dropped",
  },
  advice: { label: "advice that never reclaims", meaning: "MADV_FREE and others leave the entries in place" },
};

export const LABELS = {
  releases: "Release outcomes",
  recent: "Recent",
  settings: "Settings to try",
  exploreAll: "Explore all",
} as const;

/** How a kernel is made to behave under a policy where it is measured. */
export const MEASURED_HOW: Partial<Readonly<Record<PolicyId, string>>> = {
  [SERIES_POLICY]: "as the running kernel does it",
  [DEFAULT_BASELINE]: "memory is released in chunks below 2 MiB, which no kernel reclaims",
};

/** A policy's name in a table: "sync reclaim". */
export const policyWord = (id: PolicyId): string => policyOf(id).word;

/** After a verb: "with sync reclaim". */
export const policyPhrase = (id: PolicyId): string => policyOf(id).phrase;

/** "sync reclaim", "no reclaim, measured": `told`: say also of a modelled run that it is one. */
export function runWord(run: { readonly mode: PolicyId; readonly source: Source }, told = false): string {
  const word = policyWord(run.mode);
  return told || run.source === "kernel" ? `${word}, ${SOURCE_WORDS[run.source]}` : word;
}
