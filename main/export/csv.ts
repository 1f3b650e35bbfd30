/** Samples as CSV (RFC 4180: CRLF, quotes where needed), one row a sample of every run, the unit in every column's name. */
import { stringify } from "csv-stringify/sync";
import type { SampleRange, Samples, StoredExperiment, StoredRun } from "../../db/records.ts";
import { SAMPLE_COLUMNS } from "../../engine/experiment/types.ts";

/** The samples of a run or of a part of it. */
export type ReadSamples = (runId: number, range?: SampleRange) => Samples;

const NAMES = SAMPLE_COLUMNS.map((column) => column.name);
/** Which run a row belongs to; two runs of one experiment differ in nothing else. */
const IDENTITY = ["experiment_id", "run_id", "workload", "parameters", "seed", "source", "mode", "label"] as const;
export const CSV_COLUMNS: readonly string[] = [...IDENTITY, ...NAMES];

const END = "\r\n";
/** Rows turned into text at a time, so that a long run does not sit in memory twice. */
const ROWS_AT_ONCE = 5000;

function parametersText(run: StoredRun): string {
  return Object.entries(run.params)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

/** The file in parts. Numbers are written in full; what a source cannot know is an empty field. */
export function* csvParts(experiment: StoredExperiment, samplesOf: ReadSamples): Generator<string> {
  yield `${record(CSV_COLUMNS)}${END}`;
  for (const run of experiment.runs) {
    const identity = record([
      experiment.id,
      run.id,
      experiment.workload,
      parametersText(run),
      run.seed,
      run.source,
      run.mode,
      run.label,
    ]);
    for (let from = 0; ; from += ROWS_AT_ONCE) {
      const { count, columns } = samplesOf(run.id, { fromSeq: from, toSeq: from + ROWS_AT_ONCE - 1 });
      if (count === 0) break;
      const values = NAMES.map((name) => columns[name] ?? new Float64Array(count).fill(Number.NaN));
      let text = "";
      for (let i = 0; i < count; i++) {
        text += identity;
        for (const column of values) text += Number.isNaN(column[i]) ? "," : `,${column[i]}`;
        text += END;
      }
      yield text;
    }
  }
}

/** One record without its end; a name such as "=cmd()" must not become a formula where a spreadsheet opens the file. */
function record(fields: readonly (string | number)[]): string {
  return stringify([[...fields]], { record_delimiter: "", escape_formulas: true });
}
