/** Samples of several runs as the rows of one table. */
import { indexAt, type Samples } from "../../chart/points.ts";
import { inOrder, isOnAxis, type RunSeries } from "../../chart/series.ts";

export interface SampleRows {
  readonly count: number;
  readonly operations: Float64Array;
  readonly times: Float64Array;
  /** The sample of a run that stands in a row; -1: it has none yet. */
  rowOf(samples: Samples, row: number): number;
}

const NONE = new Float64Array(0);
const NO_SAMPLES: Samples = { count: 0, columns: {} };

const column = ({ columns, count }: Samples, name: "operations" | "time_ns"): Float64Array =>
  columns[name]?.subarray(0, count) ?? NONE;

/**
 * The rows are the samples of the longest run that counts operations; runs of all policies have the same points, and what was only
 * read by the clock is looked up by the time. Without a run there are none.
 */
export function sampleRows(series: readonly RunSeries[]): SampleRows {
  const ordered = inOrder(series);
  const counting = ordered.filter((item) => isOnAxis(item, "operations"));
  const longest = (counting.length > 0 ? counting : ordered)
    .map(({ samples }) => samples)
    .reduce((a, b) => (b.count > a.count ? b : a), NO_SAMPLES);
  const operations = column(longest, "operations");
  const times = column(longest, "time_ns");
  return {
    count: longest.count,
    operations,
    times,
    rowOf(samples, row) {
      const own = column(samples, "operations");
      const byOperations = counting.length > 0 && !Number.isNaN(own[0] ?? Number.NaN);
      return byOperations ? indexAt(own, operations[row]) : indexAt(column(samples, "time_ns"), times[row]);
    },
  };
}
