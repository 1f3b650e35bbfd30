/** Rows of results and samples as Parquet: the columns, a part as bytes, and the digests that a part holds. */
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { type BasicType, parquetWriteBuffer } from "hyparquet-writer";
import { SAMPLE_COLUMNS } from "../../engine/experiment/types.ts";

/** One task's row. Nothing in it depends on the machine or the clock. Units are in the names. */
export interface ResultRow {
  readonly workload: string;
  /** JSON, keys sorted. */
  readonly params: string;
  readonly policy: string;
  /** What is set of the policy: JSON, keys sorted; {}: all as it comes. */
  readonly knobs: string;
  readonly profile: string;
  readonly seed: number;
  readonly status: "done" | "failed";
  /** Why it failed; null where it did not. */
  readonly reason: string | null;
  readonly operations: number | null;
  readonly peak_vmpte_kb: number | null;
  readonly average_vmpte_kb: number | null;
  readonly end_vmpte_kb: number | null;
  readonly peak_rss_kb: number | null;
  readonly end_rss_kb: number | null;
  readonly reclaimed_pte_tables: number | null;
  readonly end_empty_pte_tables: number | null;
  readonly cost_caller_ns: number | null;
  readonly cost_longest_call_ns: number | null;
  readonly cost_background_ns: number | null;
  readonly engine_version: string;
  /** SHA-256 of the trace's bytes; null for a preset. */
  readonly trace_sha256: string | null;
  readonly digest: string;
}

const RESULT_COLUMNS: readonly { readonly name: keyof ResultRow; readonly type: BasicType }[] = [
  { name: "workload", type: "STRING" },
  { name: "params", type: "STRING" },
  { name: "policy", type: "STRING" },
  { name: "knobs", type: "STRING" },
  { name: "profile", type: "STRING" },
  { name: "seed", type: "INT64" },
  { name: "status", type: "STRING" },
  { name: "reason", type: "STRING" },
  { name: "operations", type: "INT64" },
  { name: "peak_vmpte_kb", type: "INT64" },
  { name: "average_vmpte_kb", type: "DOUBLE" },
  { name: "end_vmpte_kb", type: "INT64" },
  { name: "peak_rss_kb", type: "INT64" },
  { name: "end_rss_kb", type: "INT64" },
  { name: "reclaimed_pte_tables", type: "INT64" },
  { name: "end_empty_pte_tables", type: "INT64" },
  { name: "cost_caller_ns", type: "INT64" },
  { name: "cost_longest_call_ns", type: "INT64" },
  { name: "cost_background_ns", type: "INT64" },
  { name: "engine_version", type: "STRING" },
  { name: "trace_sha256", type: "STRING" },
  { name: "digest", type: "STRING" },
];

/** The samples of one task: rows of SAMPLE_COLUMNS, one after the other. */
export interface TaskSamples {
  readonly digest: string;
  readonly rows: Float64Array;
}

const cell = (type: BasicType, value: ResultRow[keyof ResultRow]): unknown =>
  type === "INT64" && typeof value === "number" ? BigInt(Math.round(value)) : value;

// Parts are written and named by what is in them; so is who wrote them.
const CREATED_BY = "reclaim-lab";

/** A Parquet file of results. The same rows give the same bytes. */
export function resultsParquet(rows: readonly ResultRow[]): Uint8Array {
  const columnData = RESULT_COLUMNS.map(({ name, type }) => ({
    name,
    type,
    data: rows.map((row) => cell(type, row[name])),
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: CREATED_BY }));
}

/** A Parquet file of samples: the task's digest and the columns of a sample; what a source cannot know is null. */
export function samplesParquet(tasks: readonly TaskSamples[]): Uint8Array {
  const width = SAMPLE_COLUMNS.length;
  const digests: string[] = [];
  for (const { digest, rows } of tasks) for (let at = 0; at < rows.length; at += width) digests.push(digest);
  const columnData = [
    { name: "digest", type: "STRING" as BasicType, data: digests as unknown[] },
    ...SAMPLE_COLUMNS.map(({ name }, column) => {
      const data: unknown[] = [];
      for (const { rows } of tasks)
        for (let at = column; at < rows.length; at += width) {
          const value = rows[at];
          data.push(Number.isNaN(value) ? null : BigInt(Math.round(value)));
        }
      return { name: name as string, type: "INT64" as BasicType, data };
    }),
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: CREATED_BY }));
}

/** What a part says of its tasks. Errors: whatever is wrong with the file. */
export async function readOutcomes(
  path: string,
): Promise<readonly Pick<ResultRow, "digest" | "status" | "reason" | "workload" | "policy">[]> {
  const columns = ["digest", "status", "reason", "workload", "policy"];
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), columns });
  return rows.map(({ digest, status, reason, workload, policy }) => ({
    digest: String(digest),
    status: status === "failed" ? "failed" : "done",
    reason: reason === null || reason === undefined ? null : String(reason),
    workload: String(workload),
    policy: String(policy),
  }));
}
