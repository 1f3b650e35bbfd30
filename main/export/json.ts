/** An experiment with all its samples as one JSON document: columns, as the CSV names them; null where unknown. */
import type { StoredExperiment } from "../../db/records.ts";
import { SAMPLE_COLUMNS } from "../../engine/experiment/types.ts";
import type { ReadSamples } from "./csv.ts";

const JSON_FORMAT = "reclaim-lab/experiment";
const JSON_VERSION = 1;

/** The file in parts: a column of a run at a time. */
export function* jsonParts(experiment: StoredExperiment, samplesOf: ReadSamples): Generator<string> {
  const { runs, ...about } = experiment;
  const columns = SAMPLE_COLUMNS.map(({ name, label, unit }) => ({ name, label, unit }));
  yield `${opened({ format: JSON_FORMAT, version: JSON_VERSION, experiment: about, columns })},\n"runs":[`;
  for (const [nth, run] of runs.entries()) {
    yield `${nth === 0 ? "\n" : ",\n"}${opened(run)},\n"samples":{`;
    const { columns: read } = samplesOf(run.id);
    for (const [at, { name }] of SAMPLE_COLUMNS.entries()) {
      const values = read[name] ?? new Float64Array(0);
      // JSON.stringify writes NaN as null.
      yield `${at === 0 ? "\n" : ",\n"}${JSON.stringify(name)}:${JSON.stringify(Array.from(values))}`;
    }
    yield "\n}}";
  }
  yield "\n]}\n";
}

/** An object's JSON without its closing brace. */
function opened(value: object): string {
  return JSON.stringify(value).slice(0, -1);
}
