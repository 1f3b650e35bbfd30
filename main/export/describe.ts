/** An experiment's setup and result in words, for exports. */
import * as v from "valibot";
import { SWEEP_FIGURE } from "../../chart/sweep-chart.ts";
import { axisWords, type SweepPoint, sweepPoints, sweepSentence } from "../../chart/sweep-points.ts";
import type { ChartView } from "../../chart/view.ts";
import type { StoredExperiment } from "../../db/records.ts";
import { FIGURES } from "../../engine/experiment/figures.ts";
import { paramNamed, withoutKnobs } from "../../engine/experiment/knobs.ts";
import { formatValueOf } from "../../engine/experiment/params.ts";
import { DEFAULT_POLICIES, inPolicyOrder } from "../../engine/experiment/policies.ts";
import { plainSentence, resultSentence, type SentencePart } from "../../engine/experiment/sentence.ts";
import { shellWords } from "../../engine/experiment/trial.ts";
import type { Params, ParamValue } from "../../engine/experiment/types.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";
import { sweepDetailSchema } from "../contract/shapes.ts";

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
    const spec = paramNamed(specs, name);
    return {
      name,
      value: formatValueOf(spec, value),
      label: spec?.label ?? "",
      description: spec?.description ?? "",
    };
  });
}

export interface Sweep {
  readonly parameter: string;
  readonly points: readonly SweepPoint[];
  /** A value as it is typed: "2M". */
  readonly words: (value: ParamValue) => string;
  /** The same along an axis: "2 MiB". */
  readonly axisWords: (value: ParamValue) => string;
}

/** What a sweep went through and came to; null where the experiment is none. */
export function sweepOf(experiment: StoredExperiment): Sweep | null {
  if (experiment.kind !== "sweep" || !v.is(sweepDetailSchema, experiment.detail)) return null;
  const { parameter, values } = experiment.detail;
  const words = (value: ParamValue) => paramWords(experiment, { [parameter]: value })[0].value;
  const spec = paramNamed(findPreset(experiment.workload)?.params ?? [], parameter);
  const points = sweepPoints(experiment.runs, parameter, values);
  return { parameter, points, words, axisWords: (value) => axisWords(spec, value) };
}

/** "commit-table · size 50G · seed 1": enough to make it again. */
export function setupWords(experiment: StoredExperiment): string {
  const params = paramWords(experiment).map(({ name, value }) => `${name} ${value}`);
  const sweep = sweepOf(experiment);
  const swept = sweep ? [`${sweep.parameter} swept over ${sweep.points.length} values`] : [];
  // What was seen of a program, or tried on it, has none.
  const seed = ["live", "program"].includes(experiment.workloadKind) ? [] : [`seed ${experiment.seed}`];
  return [experiment.workload, ...swept, ...params, ...seed].join(" · ");
}

/** What it came to, in one sentence; of modelled runs, or of measured ones where there are no others. */
export function resultParts(experiment: StoredExperiment, view: ChartView = {}): SentencePart[] {
  const { runs, baseline } = view;
  const sweep = runs === undefined ? sweepOf(experiment) : null;
  const figure = FIGURES.find(({ id }) => id === view.figure) ?? SWEEP_FIGURE;
  if (sweep)
    return sweepSentence(sweep.points, figure, (value) => `${sweep.parameter} ${sweep.words(value)}`, baseline);
  return resultSentence(
    runs === undefined ? experiment.runs : experiment.runs.filter((run) => runs.includes(run.id)),
    baseline,
  );
}

export function resultWords(experiment: StoredExperiment, view: ChartView = {}): string {
  return plainSentence(resultParts(experiment, view));
}

/** Where an export came from: "Reclaim Lab · experiment 12 · engine 0.1.0 · made 2026-11-23 03:52 UTC · <uid>". */
export function originWords(experiment: StoredExperiment): string {
  const engines = [...new Set(experiment.runs.map((run) => run.facts.engineVersion))];
  const kernels = [
    ...new Set(
      experiment.runs
        .filter((run) => run.source === "kernel")
        .map((run) => `${run.facts.platform} ${run.facts.kernelRelease}`),
    ),
  ];
  return [
    "Reclaim Lab",
    `experiment ${experiment.id}`,
    ...(engines.length > 0 ? [`engine ${engines.join(", ")}`] : []),
    ...(kernels.length > 0 ? [`measured on ${kernels.join(", ")}`] : []),
    `made ${moment(experiment.createdAt)}`,
    experiment.uid,
  ].join(" · ");
}

/** "2026-11-23 03:52 UTC". */
export function moment(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

const quoted = (text: string): string => (/^[\w./:=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The command that runs the same experiment again: same workload, parameters, seed, policies and sources. A file is named as it was: where it lies is not told. */
export function commandFor(experiment: StoredExperiment): string {
  const { workloadKind } = experiment;
  if (workloadKind === "live") return `npm run -s lab -- inspect --name ${quoted(`^${experiment.workload}$`)} --keep`;
  if (workloadKind === "program") return `npm run -s lab -- ${trialWords(experiment).join(" ")}`;
  const sources = new Set(experiment.runs.map((run) => run.source));
  const modes = inPolicyOrder(experiment.runs.filter(isRunAgain(experiment)).map((run) => run.mode));
  const sweep = sweepOf(experiment);
  const words = [`npm run -s lab -- ${sweep ? "sweep" : "run"}`, quoted(experiment.workload)];
  if (sweep) {
    words.push("--param", quoted(sweep.parameter));
    words.push("--values", quoted(sweep.points.map(({ value }) => sweep.words(value)).join(",")));
  }
  // What is known of a file is found in it again; what is set beside it is a policy's.
  const set = workloadKind === "file" ? withoutKnobs(experiment.params).knobs : experiment.params;
  if (workloadKind === "file") words.push(...fileWords(experiment.params));
  for (const { name, value } of paramWords(experiment, set)) words.push("--set", quoted(`${name}=${value}`));
  words.push("--seed", String(experiment.seed));
  if (modes.join() !== DEFAULT_POLICIES.join()) words.push("--mode", modes.join(","));
  if (experiment.levels !== 4 && !sweep) words.push("--levels", String(experiment.levels));
  if (sources.has("kernel") && workloadKind !== "file")
    words.push("--source", sources.has("model") ? "both" : "kernel");
  return words.join(" ");
}

/** What was measured of a file was recorded with it. */
const isRunAgain =
  ({ workloadKind }: StoredExperiment) =>
  ({ source }: StoredExperiment["runs"][number]): boolean =>
    workloadKind !== "file" || source === "model";

/** Which process of a file, or all of them, and what was assumed and changed. */
function fileWords({ pid, processes, touch_on_map, what_if }: Params): string[] {
  return [
    ...(typeof pid === "number" ? ["--pid", String(pid)] : []),
    ...(typeof processes === "number" ? ["--service"] : []),
    ...((touch_on_map as unknown) === true ? ["--touch-on-map"] : []),
    ...(typeof what_if === "string" ? ["--what-if", quoted(what_if)] : []),
  ];
}

/** A trial of a program's settings; its folder and environment are not told. */
function trialWords({ params, detail, workload }: StoredExperiment): string[] {
  const settings = v.is(sweepDetailSchema, detail) ? (detail.settings ?? []) : [];
  return [
    "try",
    ...settings.flatMap(({ name, env }) => {
      const variables = Object.entries(env).map(
        ([variable, value]) => `${variable}=${/\s/.test(value) ? `"${value}"` : value}`,
      );
      return variables.length === 0 ? [] : ["--setting", quoted(`${name}: ${variables.join(" ")}`)];
    }),
    ...(typeof params.repeat === "number" ? ["--repeat", String(params.repeat)] : []),
    "--",
    // Each word by itself: what is stored is no line of a shell.
    ...(typeof params.command === "string" ? (shellWords(params.command) ?? [params.command]) : [workload]).map(quoted),
  ];
}
