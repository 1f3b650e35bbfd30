import type { PolicyId } from "../../engine/experiment/policies.ts";
import { problemsOf } from "../contract/problems.ts";
import type { Experiment } from "../contract.ts";
import { requireBaseline } from "./policy-option.ts";
import { print, printJson } from "./print.ts";
import { failures, reportJson, reportText } from "./report.ts";
import { type DbOption, withLab } from "./session.ts";
import { trialJson, trialText } from "./try.ts";

/** All runs side by side; of a sweep, whose runs differ in a parameter, a row for each of its values. */
async function runsText(experiment: Experiment, baseline: PolicyId | undefined): Promise<string> {
  if (experiment.sweep === null) return reportText(experiment, baseline);
  const { sweepText } = await import("./sweep.ts");
  return [sweepText(experiment, baseline), ...failures(experiment.runs)].join("\n");
}

export async function show(
  id: number,
  options: DbOption & { readonly json?: boolean; readonly baseline?: PolicyId },
): Promise<void> {
  await withLab(options, async (session) => {
    const experiment = await session.ask("experiment.get", { id });
    requireBaseline(options.baseline, experiment);
    const trial = experiment.workloadKind === "program";
    if (options.json) return printJson(trial ? trialJson(experiment) : reportJson(experiment, options.baseline));
    print(trial ? trialText(experiment) : await runsText(experiment, options.baseline));
    for (const sentence of experiment.observation?.verdict.sentences ?? []) print(sentence);
    const params = Object.entries(experiment.params).map(([name, value]) => `${name}=${value}`);
    print(`\n${experiment.workload} ${params.join(" ")}`);
    const [run] = experiment.runs;
    if (run)
      print(`${new Date(experiment.createdAt).toISOString()}, ${run.facts.cpu}, kernel ${run.facts.kernelRelease}`);
    for (const problem of problemsOf(experiment)) print(problem);
    const profiles = new Set(experiment.runs.flatMap(({ kernelProfile }) => kernelProfile?.name ?? []));
    if (profiles.size > 0) print(`kernel profile ${[...profiles].join(", ")}`);
    if (experiment.tags.length > 0) print(`tags: ${experiment.tags.join(", ")}`);
    if (experiment.notes !== "") print(`\n${experiment.notes}`);
  });
}
