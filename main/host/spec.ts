/** What an experiment is to run: checked against the presets, every default filled in. */
import { BadInputError } from "../../engine/error.ts";
import { checkKnobs, knobsUnder, switchesSet } from "../../engine/experiment/knobs.ts";
import { formatParam, type ParamProblem, type ParamSpec, validateParams } from "../../engine/experiment/params.ts";
import { isMeasured, type PolicyId } from "../../engine/experiment/policies.ts";
import type { Params, Source } from "../../engine/experiment/types.ts";
import { findPreset, PRESETS } from "../../engine/workload/presets/index.ts";
import type { FullExperimentSpec } from "../contract.ts";

/** A workload with all that a run needs. */
export interface ResolvedWorkload {
  readonly kind: "preset" | "file";
  readonly name: string;
  readonly title: string;
  readonly params: Params;
  /** null: known only at its end. */
  readonly operationsTotal: number | null;
}

/** One run of an experiment that is to be made. */
export interface PlannedRun {
  readonly source: Source;
  readonly mode: PolicyId;
}

/** Throws BadInputError naming the preset or every parameter that is wrong. */
export function resolvePreset(name: string, given: Readonly<Record<string, unknown>>): ResolvedWorkload {
  const preset = findPreset(name);
  if (preset === undefined)
    throw new BadInputError(`There is no preset "${name.slice(0, 60)}"`, {
      todo: `The presets are ${PRESETS.map((each) => each.name).join(", ")}`,
    });
  const checked = validateParams(preset.params, given);
  if (!checked.ok) throw new BadInputError(inWords(checked.problems), { where: `parameters of ${name}` });
  return {
    kind: "preset",
    name,
    title: `${preset.title}${differences(preset.params, checked.params)}`,
    params: checked.params,
    operationsTotal: preset.operationCount(checked.params),
  };
}

const inWords = (problems: readonly ParamProblem[]): string =>
  problems.map(({ name, reason }) => `${name}: ${reason}`).join("; ");

/**
 * The same workload with what is set of its policies and of the modelled kernel among its parameters. Throws BadInputError naming
 * every knob that is wrong.
 */
export function withKnobs(
  workload: ResolvedWorkload,
  given: Readonly<Record<string, unknown>>,
  policies: readonly PolicyId[],
): ResolvedWorkload {
  const checked = checkKnobs(given, policies);
  if (!checked.ok)
    throw new BadInputError(inWords(checked.problems), {
      where: "what is set of the policies",
      todo: "`reclaim-lab policies` shows the knobs of each",
    });
  const { title, params } = workload;
  return {
    ...workload,
    title: `${title}${differences(knobsUnder(policies), checked.params)}`,
    params: { ...params, ...checked.params },
  };
}

/** A running kernel is measured as it is. Throws BadInputError. */
export function refuseMeasured(params: Params, runs: readonly PlannedRun[]): void {
  const set = switchesSet(params);
  if (set.length > 0 && runs.some(({ source }) => source === "kernel"))
    throw new BadInputError(`${set.join(", ")} cannot be set when a running kernel is measured`, {
      why: "it belongs to the modelled kernel",
      todo: "Use --source model",
    });
}

/** ", size 1G, chunk 4K": what is not as it comes. */
function differences(specs: readonly ParamSpec[], params: Params): string {
  return specs
    .filter((spec) => (params[spec.name] ?? spec.default) !== spec.default)
    .map((spec) => `, ${spec.name} ${formatParam(spec, params[spec.name])}`)
    .join("");
}

/** Those that a kernel can be measured under; all where it is none of them, to be refused by name. */
function measurable(policies: readonly PolicyId[]): readonly PolicyId[] {
  const found = policies.filter(isMeasured);
  return found.length === 0 ? policies : found;
}

/** The runs that an experiment is made of, in the order in which they are listed: model before kernel, policies in the table's order. */
export function plannedRuns(spec: Pick<FullExperimentSpec, "mode" | "source">): PlannedRun[] {
  const sources: readonly Source[] = spec.source === "both" ? ["model", "kernel"] : [spec.source];
  return sources.flatMap((source) =>
    // Beside the model, measured are the policies that a kernel has.
    (source === "kernel" && spec.source === "both" ? measurable(spec.mode) : spec.mode).map((mode) => ({
      source,
      mode,
    })),
  );
}
