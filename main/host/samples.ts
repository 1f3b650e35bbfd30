import { thin } from "../../chart/points.ts";
import type { Store } from "../../db/store.ts";
import { METRICS } from "../../engine/experiment/figures.ts";
import { SAMPLE_COLUMNS, type SampleColumn } from "../../engine/experiment/types.ts";
import type { FullSampleQuery, SampleBlock } from "../contract.ts";

/** The samples of a run, thinned by the peaks of VmPTE where they are more than asked for. */
export function readSamples(store: Store, { runId, columns, fromSeq, maxPoints }: FullSampleQuery): SampleBlock {
  const wanted: readonly SampleColumn[] = columns ?? SAMPLE_COLUMNS.map((column) => column.name);
  if (maxPoints === undefined) return store.samples(runId, { columns: wanted, fromSeq });
  const read = store.samples(runId, { columns: [...new Set<SampleColumn>([...wanted, "vmpte_kb"])], fromSeq });
  const thinned = thin(read, maxPoints, METRICS[0]);
  const kept: SampleBlock["columns"] = {};
  for (const name of wanted) kept[name] = thinned.columns[name];
  return { count: thinned.count, columns: kept };
}
