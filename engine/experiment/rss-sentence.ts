/** Why the same operations may come to another RSS under another policy. */
import { formatKb } from "./format.ts";
import type { RunSummary, Source } from "./types.ts";

/** Differences below this share of the larger are not worth a word. */
const SHARE_LEAST = 0.01;

/**
 * A sentence where runs of the model differ in RSS, else null. Memory that may be in huge pages is the reason: where an empty table
 * stays, an access maps one small page (mm/memory.c: __handle_mm_fault() asks for pmd_none()); where it has gone, a huge one.
 */
export function rssSentence(
  runs: readonly { readonly source: Source; readonly summary: RunSummary | null }[],
): string | null {
  const summaries = runs.flatMap(({ source, summary }) => (source === "model" && summary !== null ? [summary] : []));
  if (summaries.length < 2) return null;
  const range = (of: (summary: RunSummary) => number) => {
    const values = summaries.map(of);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return { least, most, differs: most - least > most * SHARE_LEAST };
  };
  const peak = range(({ peak: { rss_kb } }) => rss_kb);
  const average = range(({ average_rss_kb = 0 }) => average_rss_kb);
  if (!peak.differs && !average.differs) return null;
  const [where, { least, most }] = peak.differs ? ["at its peak", peak] : ["on average", average];
  return (
    `RSS ${where} is between ${formatKb(least)} and ${formatKb(most)}: memory that may be in huge pages gets 2 MiB by the first access after ` +
    "its table has gone, and 4 KiB where the empty table is still there. A trace has the accesses that faulted on the kernel it was recorded on; under another policy " +
    "others would fault too, and their memory is not in that policy's RSS."
  );
}
