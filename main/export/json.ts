/** An experiment with all its samples as one JSON document: columns, as the CSV names them; null where unknown. */
import type { StoredExperiment, StoredRun } from "../../db/records.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import { SAMPLE_COLUMNS, type SampleColumn } from "../../engine/experiment/types.ts";
import { type Against, against } from "./against.ts";
import type { ReadSamples } from "./csv.ts";

const JSON_FORMAT = "reclaim-lab/experiment";
const JSON_VERSION = 1;

/** The file in parts, of some of the runs, made while they are taken. */
export function* jsonParts(
  experiment: StoredExperiment,
  chosen: readonly StoredRun[],
  samplesOf: ReadSamples,
  baseline?: PolicyId,
): Generator<string> {
  const bases = against(experiment.runs, baseline);
  const { runs: _, ...about } = experiment;
  const columns = SAMPLE_COLUMNS.map(({ name, label, unit }) => ({ name, label, unit }));
  yield `${opened({ format: JSON_FORMAT, version: JSON_VERSION, experiment: about, columns })},\n"runs":[`;
  for (const [nth, run] of chosen.entries()) {
    yield `${nth === 0 ? "\n" : ",\n"}${opened({ ...run, ...comparedJson(bases.get(run.id)) })},\n"samples":{`;
    for (const [at, { name }] of SAMPLE_COLUMNS.entries()) {
      yield `${at === 0 ? "\n" : ",\n"}${JSON.stringify(name)}:[`;
      yield* columnParts(run.id, name, samplesOf);
      yield "]";
    }
    yield "\n}}";
  }
  yield "\n]}\n";
}

/** What a run is compared with, by its id and policy, and how much less page-table memory it needs; null for the baseline itself. */
function comparedJson(found: Against | undefined) {
  if (found === undefined) return { baseline: null, saved: null };
  const { base, saving } = found;
  const saved = saving && { at: saving.at, vmpte_kb: saving.baselineKb - saving.kb, share: saving.share };
  return { baseline: { run: base.id, mode: base.mode }, saved };
}

/** So many values are read and turned into text at a time: three million samples then need no more memory than few. */
const VALUES_AT_ONCE = 50_000;

function* columnParts(runId: number, name: SampleColumn, samplesOf: ReadSamples): Generator<string> {
  for (let from = 0; ; ) {
    const { count, columns } = samplesOf(runId, { columns: [name, "seq"], fromSeq: from, most: VALUES_AT_ONCE });
    if (count === 0) return;
    // JSON.stringify writes NaN as null.
    const text = JSON.stringify(Array.from(columns[name] ?? [])).slice(1, -1);
    yield from === 0 ? text : `,${text}`;
    from = (columns.seq?.[count - 1] ?? Number.POSITIVE_INFINITY) + 1;
  }
}

/** An object's JSON without its closing brace. */
function opened(value: object): string {
  return JSON.stringify(value).slice(0, -1);
}
