import type { Store } from "../../db/store.ts";
import { SAMPLE_COLUMNS, type SampleColumn } from "../../engine/experiment/types.ts";
import type { FullSampleQuery, SampleBlock } from "../contract.ts";
import { pick, thinnedPositions } from "./thin.ts";

/** The samples of a run, thinned where they are more than asked for. */
export function readSamples(store: Store, { runId, columns, fromSeq, maxPoints }: FullSampleQuery): SampleBlock {
  const wanted: readonly SampleColumn[] = columns ?? SAMPLE_COLUMNS.map((column) => column.name);
  if (maxPoints === undefined) return store.samples(runId, { columns: wanted, fromSeq });
  const read = store.samples(runId, { columns: [...new Set<SampleColumn>([...wanted, "vmpte_kb"])], fromSeq });
  const positions = thinnedPositions(read.columns.vmpte_kb ?? new Float64Array(), maxPoints);
  const thinned: SampleBlock["columns"] = {};
  for (const name of wanted) thinned[name] = pick(read.columns[name] ?? new Float64Array(), positions);
  return { count: positions.length, columns: thinned };
}
