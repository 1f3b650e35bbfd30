import { formatParam, type NumberParam, validateParams } from "../../engine/experiment/params.ts";
import { sweepValues } from "../../engine/experiment/sweep.ts";
import type { ParamValue } from "../../engine/experiment/types.ts";
import type { Preset, PresetParam } from "../../main/contract.ts";

const POINTS_MAX = 200;

type Bound = { readonly value: number } | { readonly problem: string };

/** One bound of a range. What it may not exceed is checked with the whole. */
function readBound({ atMost: _atMost, ...alone }: NumberParam, text: string): Bound {
  const checked = validateParams([alone], { [alone.name]: text });
  if (!checked.ok) return { problem: checked.problems[0]?.reason ?? "not a value" };
  return { value: Number(checked.params[alone.name]) };
}

/** The part of the form that makes a sweep of it: one parameter over a range, or over all its choices. */
export class SweepForm {
  on = $state(false);
  parameter = $state("");
  from = $state("");
  to = $state("");
  points = $state("9");
  scale = $state<"log" | "linear">("log");

  /** Begins anew with a preset: the first parameter, from a sixteenth of its default to sixteen times it. */
  choose(preset: Preset): void {
    const first =
      preset.params.find((spec) => spec.type !== "choice" && spec.multipleOf !== undefined) ?? preset.params[0];
    if (first) this.take(first);
    else this.on = false;
  }

  take(spec: PresetParam): void {
    this.parameter = spec.name;
    if (spec.type === "choice") return;
    const snap = (value: number): number => {
      const step = spec.multipleOf ?? 1;
      return Math.min(spec.max, Math.max(spec.min, Math.round(value / step) * step));
    };
    this.from = formatParam(spec, snap(spec.default / 16));
    this.to = formatParam(spec, snap(spec.default * 16));
  }

  /** The values, or by field why there are none. */
  values(preset: Preset): {
    readonly values: readonly ParamValue[];
    readonly problems: Readonly<Record<string, string>>;
  } {
    const spec = preset.params.find((candidate) => candidate.name === this.parameter);
    if (!spec) return { values: [], problems: { parameter: "choose a parameter" } };
    if (spec.type === "choice") return { values: spec.choices.map((choice) => choice.value), problems: {} };
    const problems: Record<string, string> = {};
    const from = readBound(spec, this.from);
    const to = readBound(spec, this.to);
    const points = Number(this.points);
    if ("problem" in from) problems.from = from.problem;
    if ("problem" in to) problems.to = to.problem;
    if (!Number.isInteger(points) || points < 2 || points > POINTS_MAX)
      problems.points = `a whole number from 2 to ${POINTS_MAX}`;
    if ("problem" in from || "problem" in to || problems.points) return { values: [], problems };
    const values = sweepValues(spec, { from: from.value, to: to.value, points, scale: this.scale });
    if (values.length < 2) return { values, problems: { to: "a sweep needs at least two values" } };
    return { values, problems };
  }
}
