/** An experiment's setup and result in words, for exports. */
import { plainSentence, resultSentence, type SentencePart } from "../../chart/sentence.ts";
import type { StoredExperiment, StoredRun } from "../../db/records.ts";
import { formatParam } from "../../engine/experiment/params.ts";
import { MODES, type Params } from "../../engine/experiment/types.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";

export interface ParamWords {
  readonly name: string;
  /** As it is typed: "50G". */
  readonly value: string;
  /** What it is called and what it changes; empty where the workload is no preset. */
  readonly label: string;
  readonly description: string;
}

/** Parameters as a person writes them, by the preset's own description where there is one. */
export function paramWords(experiment: StoredExperiment, params: Params = experiment.params): ParamWords[] {
  const specs = experiment.workloadKind === "preset" ? (findPreset(experiment.workload)?.params ?? []) : [];
  return Object.entries(params).map(([name, value]) => {
    const spec = specs.find((candidate) => candidate.name === name);
    return {
      name,
      value: spec ? formatParam(spec, value) : String(value),
      label: spec?.label ?? "",
      description: spec?.description ?? "",
    };
  });
}

/** "commit-table · size 50G · seed 1": enough to make it again. */
export function setupWords(experiment: StoredExperiment): string {
  const params = paramWords(experiment).map(({ name, value }) => `${name} ${value}`);
  return [experiment.workload, ...params, `seed ${experiment.seed}`].join(" · ");
}

/** What it came to, in one sentence; of modelled runs, or of measured ones where there are no others. */
export function resultParts(experiment: StoredExperiment): SentencePart[] {
  const of = (source: StoredRun["source"]) =>
    experiment.runs.flatMap((run) =>
      run.summary && run.source === source ? { mode: run.mode, summary: run.summary } : [],
    );
  const model = of("model");
  return resultSentence(model.length > 0 ? model : of("kernel"));
}

export function resultWords(experiment: StoredExperiment): string {
  return plainSentence(resultParts(experiment));
}

const quoted = (text: string): string => (/^[\w./:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The command that runs the same experiment again: same workload, parameters, seed, modes and sources. */
export function commandFor(experiment: StoredExperiment): string {
  const sources = new Set(experiment.runs.map((run) => run.source));
  const modes = MODES.filter((mode) => experiment.runs.some((run) => run.mode === mode));
  const words = ["npm run -s lab -- run", quoted(experiment.workload)];
  for (const { name, value } of paramWords(experiment)) words.push("--set", quoted(`${name}=${value}`));
  words.push("--seed", String(experiment.seed));
  if (modes.length === 1) words.push("--mode", modes[0]);
  if (sources.has("kernel")) words.push("--source", sources.has("model") ? "both" : "kernel");
  return words.join(" ");
}
