import { formatParam, readParam } from "../../engine/experiment/params.ts";
import { SWEEP_POINTS_MAX, sweepValues } from "../../engine/experiment/sweep.ts";
import type { ParamValue } from "../../engine/experiment/types.ts";
import type { Preset, PresetParam } from "../../main/contract.ts";

/** The part of the form that makes a sweep of it: one parameter over a range, or over all its choices. */
export class SweepForm {
  on = $state(false);
  parameter = $state("");
  from = $state("");
  to = $state("");
  /** Empty: as many as the range itself suggests. */
  points = $state("");
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
    const from = readParam(spec, this.from);
    const to = readParam(spec, this.to);
    const points = this.points.trim() === "" ? undefined : Number(this.points);
    if ("problem" in from) problems.from = from.problem;
    if ("problem" in to) problems.to = to.problem;
    if (points !== undefined && (!Number.isInteger(points) || points < 2 || points > SWEEP_POINTS_MAX))
      problems.points = `a whole number from 2 to ${SWEEP_POINTS_MAX}, or nothing`;
    if ("problem" in from || "problem" in to || problems.points) return { values: [], problems };
    const values = sweepValues(spec, {
      from: Number(from.value),
      to: Number(to.value),
      points,
      scale: this.scale,
    });
    if (values.length < 2) return { values, problems: { to: "a sweep needs at least two values" } };
    return { values, problems };
  }
}
