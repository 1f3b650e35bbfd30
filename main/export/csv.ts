/** Samples as CSV (RFC 4180: CRLF, quotes where needed), one row a sample of every run, the unit in every column's name. */
import { stringify } from "csv-stringify/sync";
import type { SampleRange, Samples, StoredExperiment, StoredRun } from "../../db/records.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import { SAMPLE_COLUMNS } from "../../engine/experiment/types.ts";
import { against } from "./against.ts";

/** The samples of a run or of a part of it. */
export type ReadSamples = (runId: number, range?: SampleRange) => Samples;

const NAMES = SAMPLE_COLUMNS.map((column) => column.name);
/** Which run a row belongs to; two runs of one experiment differ in nothing else. */
const IDENTITY = ["experiment_id", "run_id", "workload", "parameters", "seed", "source", "mode", "label"] as const;
/** What the run is compared with (a policy), and at the same sampling point: the VmPTE of that, and how much less the row has. */
const AGAINST = ["baseline", "baseline_vmpte_kb", "saved_kb"] as const;
export const CSV_COLUMNS: readonly string[] = [...IDENTITY, ...NAMES, ...AGAINST];

const END = "\r\n";
/** Rows turned into text at a time, so that a long run does not sit in memory twice. */
const ROWS_AT_ONCE = 5000;

function parametersText(run: StoredRun): string {
  return Object.entries(run.params)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

/** The file in parts, of some of the runs; what they are compared with may be another. Numbers are written in full; what a source cannot know is an empty field. */
export function* csvParts(
  experiment: StoredExperiment,
  runs: readonly StoredRun[],
  samplesOf: ReadSamples,
  baseline?: PolicyId,
): Generator<string> {
  const bases = against(experiment.runs, baseline);
  yield `${record(CSV_COLUMNS)}${END}`;
  for (const run of runs) {
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
    const base = bases.get(run.id)?.base;
    // Some may be missing in between, where they were lost with a damaged page.
    for (let from = 0; ; ) {
      const range = { fromSeq: from, most: ROWS_AT_ONCE };
      const { count, columns } = samplesOf(run.id, range);
      if (count === 0) break;
      const values = NAMES.map((name) => columns[name] ?? new Float64Array(count).fill(Number.NaN));
      const besides = base && samplesOf(base.id, { ...range, columns: ["operations", "vmpte_kb"] }).columns;
      let text = "";
      for (let i = 0; i < count; i++) {
        text += identity;
        for (const column of values) text += Number.isNaN(column[i]) ? "," : `,${column[i]}`;
        // Both were sampled at the same points; where one was stopped before, there is nothing to compare with.
        const known = besides?.operations?.[i] === columns.operations?.[i];
        const kb = (known ? besides?.vmpte_kb?.[i] : undefined) ?? Number.NaN;
        const saved = kb - (columns.vmpte_kb?.[i] ?? Number.NaN);
        text += `,${base?.mode ?? ""}${[kb, saved].map((value) => (Number.isNaN(value) ? "," : `,${value}`)).join("")}`;
        text += END;
      }
      from = (columns.seq?.[count - 1] ?? Number.POSITIVE_INFINITY) + 1;
      yield text;
    }
  }
}

/** One record without its end; a name such as "=cmd()" must not become a formula where a spreadsheet opens the file. */
function record(fields: readonly (string | number)[]): string {
  return stringify([[...fields]], { record_delimiter: "", escape_formulas: true });
}
