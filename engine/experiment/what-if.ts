/** A program with its releases changed: which changes there are, and what one is worth against the program as it is. */
import { BadInputError } from "../error.ts";
import { formatDuration, formatKb } from "./format.ts";
import type { RunSummary } from "./types.ts";

/**
 * `coalesce`: a release waits up to so long, adjoining ones are made as one. `whole`: only whole 2 MiB are released, each when
 * the last page of it is free.
 */
export type WhatIf = { readonly kind: "coalesce"; readonly ms: number } | { readonly kind: "whole" };

const COALESCE_MS_MAX = 1e9;

/** Reads "coalesce=MS" or "whole". Errors: BadInputError for anything else. */
export function parseWhatIf(text: string): WhatIf {
  if (text === "whole") return { kind: "whole" };
  const ms = Number(/^coalesce=(\d+(?:\.\d+)?)(?:ms)?$/.exec(text)?.[1]);
  if (ms > 0 && ms <= COALESCE_MS_MAX) return { kind: "coalesce", ms };
  throw new BadInputError(`There is no change "${text.slice(0, 60)}" of releases`, {
    todo: `Give coalesce=MS (milliseconds, more than 0, at most ${COALESCE_MS_MAX}) or whole`,
  });
}

/** As it is given, and kept as a parameter of the experiment. */
export function whatIfWord(change: WhatIf): string {
  return change.kind === "whole" ? "whole" : `coalesce=${change.ms}`;
}

/** "releases merged over 100 ms" */
export function whatIfPhrase(change: WhatIf): string {
  return change.kind === "whole" ? "only whole 2 MiB released" : `releases merged over ${formatDuration(change.ms)}`;
}

/** One number as it is and changed. */
export interface Changed {
  readonly as_it_is: number;
  readonly changed: number;
}

/** What a change brings under one policy, and its price. */
export interface WhatIfOutcome {
  readonly average_vmpte_kb: Changed;
  readonly peak_vmpte_kb: Changed;
  /** After the last release (RunSummary.steady). */
  readonly steady_vmpte_kb: Changed;
  readonly end_vmpte_kb: Changed;
  /** The price: memory that is kept longer. */
  readonly average_rss_kb: Changed;
  readonly peak_rss_kb: Changed;
  readonly end_rss_kb: Changed;
  /** MADV_DONTNEED calls. */
  readonly releases: Changed;
}

/** The sizes of an outcome, all in kB, in the order in which they are shown. */
export const WHAT_IF_SIZES: readonly {
  readonly label: string;
  readonly of: (outcome: WhatIfOutcome) => Changed;
}[] = [
  { label: "VmPTE on average", of: (each) => each.average_vmpte_kb },
  { label: "VmPTE at the peak", of: (each) => each.peak_vmpte_kb },
  { label: "VmPTE after the last release", of: (each) => each.steady_vmpte_kb },
  { label: "VmPTE at the end", of: (each) => each.end_vmpte_kb },
  { label: "RSS on average", of: (each) => each.average_rss_kb },
  { label: "RSS at the peak", of: (each) => each.peak_rss_kb },
  { label: "RSS at the end", of: (each) => each.end_rss_kb },
];

/** Null where one of the two has no numbers. */
export function whatIfOutcome(asItIs: RunSummary | null, changed: RunSummary | null): WhatIfOutcome | null {
  if (asItIs === null || changed === null) return null;
  const pair = (of: (summary: RunSummary) => number): Changed => ({ as_it_is: of(asItIs), changed: of(changed) });
  return {
    average_vmpte_kb: pair((each) => each.average_vmpte_kb ?? each.final.vmpte_kb),
    peak_vmpte_kb: pair((each) => each.peak.vmpte_kb),
    steady_vmpte_kb: pair((each) => each.steady?.average_vmpte_kb ?? each.final.vmpte_kb),
    end_vmpte_kb: pair((each) => each.final.vmpte_kb),
    average_rss_kb: pair((each) => each.average_rss_kb ?? each.final.rss_kb),
    peak_rss_kb: pair((each) => each.peak.rss_kb),
    end_rss_kb: pair((each) => each.final.rss_kb),
    releases: pair((each) => each.releases?.dontneed.calls ?? 0),
  };
}

function difference({ as_it_is, changed }: Changed): string {
  const kb = changed - as_it_is;
  if (Math.abs(kb) < 0.5) return "the same";
  return `${formatKb(Math.abs(kb))} ${kb > 0 ? "more" : "less"}`;
}

/** In words: what it saves of page tables, and what it costs in memory. */
export function whatIfSentence(change: WhatIf, outcome: WhatIfOutcome): string {
  const start = change.kind === "whole" ? "With only whole 2 MiB released" : `With ${whatIfPhrase(change)}`;
  const tables = difference(outcome.average_vmpte_kb);
  const memory = difference(outcome.average_rss_kb);
  const peak = difference(outcome.peak_rss_kb);
  return `${start}: page tables ${tables} on average; its price: RSS ${memory} on average, ${peak} at the peak.`;
}
