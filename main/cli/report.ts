/** An experiment as `run` and `show` print it: as JSON, or as a table of its runs side by side, each against the baseline. */
import { blameOf } from "../../engine/experiment/blame.ts";
import { baselineRun, type ComparedRun, compareSources, ofOneSource } from "../../engine/experiment/compare-runs.ts";
import { formatCount, formatValue } from "../../engine/experiment/format.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import { plainSentence, resultSentence, savingWords } from "../../engine/experiment/sentence.ts";
import { DECLINED_REASONS } from "../../engine/experiment/types.ts";
import { verdictOn } from "../../engine/experiment/verdict.ts";
import { DECLINED_WORDS, runWord } from "../../engine/experiment/words.ts";
import type { Experiment, Run } from "../contract.ts";
import { blameText } from "./blame.ts";
import { table } from "./print.ts";
import { processesText } from "./processes.ts";
import { verdictText } from "./verdict.ts";

/** The document of `--json`. */
export function reportJson(experiment: Experiment, baseline?: PolicyId) {
  const { id, workload, params, seed } = experiment;
  const verdict = verdictOn(experiment, baseline);
  const blame = blameOf(experiment);
  const compared = new Map(compareSources(experiment.runs, baseline, []).runs.map((each) => [each.run.id, each]));
  return {
    experiment: { id, workload, params, seed },
    ...(verdict === null ? {} : { verdict }),
    ...(blame === null ? {} : { blame }),
    baseline: baselineRun(ofOneSource(experiment.runs), baseline)?.mode ?? null,
    runs: experiment.runs.map((run) => ({
      id: run.id,
      source: run.source,
      mode: run.mode,
      kernel_profile: run.kernelProfile?.name ?? null,
      status: run.status,
      ...(run.reason === null ? {} : { reason: run.reason }),
      ...run.summary,
      saved: savedJson(compared.get(run.id)),
    })),
  };
}

/** Against the baseline of the run's own source; null for the baseline itself and where nothing is compared. */
function savedJson(compared: ComparedRun<Run> | undefined) {
  if (!compared?.saving) return null;
  const { at, kb, baselineKb, share } = compared.saving;
  return { at, vmpte_kb: baselineKb - kb, share };
}

/** Runs that failed, by why: for `warn`, where stdout has figures only. */
export function failures(runs: readonly Run[]): string[] {
  const failed = Map.groupBy(
    runs.filter(({ status }) => status === "failed" || status === "interrupted"),
    ({ status, reason }) => `${status}${reason === null ? "" : `: ${reason}`}`,
  );
  return [...failed].map(([why, { length }]) => `${length === 1 ? "1 run" : `${length} runs`} ${why}`);
}

/** What became of runs that did not end as they should, a line each. */
function unwell(runs: readonly Run[]): string[] {
  return runs
    .filter((run) => run.status !== "done")
    .map((run) => `${runWord(run)}: ${run.status}${run.reason === null ? "" : `: ${run.reason}`}`);
}

/** The table of all runs, what each saves, and what became of runs that did not end as they should. */
export function reportText(experiment: Experiment, baseline?: PolicyId): string {
  const { runs: compared, rows } = compareSources(experiment.runs, baseline);
  const runs = compared.map(({ run }) => run);
  const shown = (value: number | null, show: (value: number) => string) => (value === null ? "" : show(value));
  const figures = rows.map(({ figure, cells }) => [
    `${figure.part ? "  " : ""}${figure.label}`,
    ...cells.map(({ value }) => shown(value, (number) => formatValue(number, figure.unit))),
  ]);
  const declined = DECLINED_REASONS.map((reason) => [
    `declined: ${DECLINED_WORDS[reason].label}`,
    ...runs.map((run) => shown(run.summary?.declined?.[reason] ?? null, formatCount)),
  ]).filter(([, ...cells]) => cells.some((cell) => cell !== "" && cell !== "0"));
  const against = [
    "compared with the baseline",
    ...compared.map(({ isBaseline, saving }) => (isBaseline ? "baseline" : saving ? savingWords(saving.share) : "")),
  ];
  const bad = unwell(runs);
  const verdict = verdictOn(experiment, baseline);
  const sentence = plainSentence(resultSentence(runs, baseline));
  const cells = [
    ["", ...runs.map((run) => runWord(run))],
    ...figures,
    ...(runs.length > 1 ? [against] : []),
    ...declined,
  ];
  return [
    `${experiment.title} (experiment ${experiment.id}, seed ${experiment.seed})`,
    "",
    table(cells, new Set(runs.map((_, i) => i + 1))),
    ...processesText(runs),
    ...(bad.length > 0 ? ["", ...bad] : []),
    ...(sentence === "" ? [] : ["", sentence]),
    ...(verdict === null ? [] : ["", verdictText(verdict)]),
    ...blameText(blameOf(experiment) ?? []),
  ].join("\n");
}
