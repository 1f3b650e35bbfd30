/** What an experiment is to run: checked against the presets, every default filled in. */
import { BadInputError } from "../../engine/error.ts";
import { formatParam, type ParamSpec, validateParams } from "../../engine/experiment/params.ts";
import { MODES, type Mode, type Params, type Source } from "../../engine/experiment/types.ts";
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
  readonly mode: Mode;
}

/** Throws BadInputError naming the preset or every parameter that is wrong. */
export function resolvePreset(name: string, given: Readonly<Record<string, unknown>>): ResolvedWorkload {
  const preset = findPreset(name);
  if (preset === undefined)
    throw new BadInputError(`There is no preset "${name.slice(0, 60)}"`, {
      todo: `The presets are ${PRESETS.map((each) => each.name).join(", ")}`,
    });
  const checked = validateParams(preset.params, given);
  if (!checked.ok)
    throw new BadInputError(checked.problems.map((problem) => `${problem.name}: ${problem.reason}`).join("; "), {
      where: `parameters of ${name}`,
    });
  return {
    kind: "preset",
    name,
    title: `${preset.title}${differences(preset.params, checked.params)}`,
    params: checked.params,
    operationsTotal: preset.operationCount(checked.params),
  };
}

/** ", size 1G, chunk 4K": what is not as it comes. */
function differences(specs: readonly ParamSpec[], params: Params): string {
  return specs
    .filter((spec) => params[spec.name] !== spec.default)
    .map((spec) => `, ${spec.name} ${formatParam(spec, params[spec.name])}`)
    .join("");
}

/** The runs that an experiment is made of, in the order in which they are listed: model before kernel, sync before none. */
export function plannedRuns(spec: Pick<FullExperimentSpec, "mode" | "source">): PlannedRun[] {
  const modes = spec.mode === "both" ? MODES : [spec.mode];
  const sources: readonly Source[] = spec.source === "both" ? ["model", "kernel"] : [spec.source];
  return sources.flatMap((source) => modes.map((mode) => ({ source, mode })));
}
