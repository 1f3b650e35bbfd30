/**
 * Does it matter? A program's page tables beside the memory that it uses, and beside the least that this memory could need: one
 * PTE table for each 2 MiB of it, RSS / 512.
 */
import { PTRS_PER_TABLE } from "../mm/geometry.ts";
import { inRunOrder, type RunKind } from "./compare-runs.ts";
import type { RunSummary } from "./types.ts";

/** VmPTE at one moment. */
export interface Weight {
  readonly vmpteKb: number;
  readonly rssKb: number;
  /** Of RSS; null where that is 0. */
  readonly share: number | null;
  /** RSS / 512, in kB. */
  readonly leastKb: number;
}

export interface Matter<R> {
  readonly run: R;
  readonly peak: Weight;
  readonly end: Weight;
  /** On average over its time (or its operations); null where it was not counted. */
  readonly averageKb: number | null;
}

interface WeighedRun extends RunKind {
  readonly summary: Pick<RunSummary, "peak" | "final" | "average_vmpte_kb"> | null;
}

function weigh({ vmpte_kb: vmpteKb, rss_kb: rssKb }: RunSummary["peak"]): Weight {
  return { vmpteKb, rssKb, share: rssKb > 0 ? vmpteKb / rssKb : null, leastKb: rssKb / PTRS_PER_TABLE };
}

/** Each run that has a result, in the runs' order. The peaks of VmPTE and of RSS may be at different moments. */
export function mattersOf<R extends WeighedRun>(runs: readonly R[]): Matter<R>[] {
  return inRunOrder(runs).flatMap((run) =>
    run.summary === null
      ? []
      : [
          {
            run,
            peak: weigh(run.summary.peak),
            end: weigh(run.summary.final),
            averageKb: run.summary.average_vmpte_kb ?? null,
          },
        ],
  );
}
