import { formatParam, type NumberParam, type ParamSpec, readParam } from "../../engine/experiment/params.ts";
import { SWEEP_POINTS_MAX, sweepValues } from "../../engine/experiment/sweep.ts";
import type { ParamValue } from "../../engine/experiment/types.ts";
import type { Experiment } from "../../main/contract.ts";

type SweepDetail = NonNullable<Experiment["sweep"]>;

export type SweepScale = "log" | "linear" | "list";

/** The part of the form that makes a sweep of it: one parameter over a range, or over all its choices. */
export class SweepForm {
  on = $state(false);
  parameter = $state("");
  from = $state("");
  to = $state("");
  /** Empty: as many as the range itself suggests. */
  points = $state("");
  /** How the values are told: a range in equal factors or equal steps, or one by one. */
  scale = $state<SweepScale>("log");
  /** The values one by one, with commas between. */
  list = $state("");

  /** Begins anew with a preset: the first parameter, from a sixteenth of its default to sixteen times it. */
  choose(specs: readonly ParamSpec[]): void {
    const first = specs.find((spec) => spec.type !== "choice" && spec.multipleOf !== undefined) ?? specs[0];
    if (first) this.take(first);
    else this.on = false;
  }

  take(spec: ParamSpec): void {
    this.parameter = spec.name;
    if (spec.type === "choice") return;
    const snap = (value: number): number => {
      const step = spec.multipleOf ?? 1;
      return Math.min(spec.max, Math.max(spec.min, Math.round(value / step) * step));
    };
    this.from = formatParam(spec, snap(spec.default / 16));
    this.to = formatParam(spec, snap(spec.default * 16));
    this.list = [this.from, formatParam(spec, spec.default), this.to].join(", ");
  }

  /** As a sweep that was run: its range where one gives the same values, else the values themselves. */
  again(specs: readonly ParamSpec[], { parameter, values }: SweepDetail): void {
    const spec = specs.find((candidate) => candidate.name === parameter);
    if (!spec) return;
    this.on = true;
    this.take(spec);
    if (spec.type === "choice") return;
    const numbers = values.map(Number);
    const [from, to] = [numbers[0] ?? spec.min, numbers.at(-1) ?? spec.max];
    this.from = formatParam(spec, from);
    this.to = formatParam(spec, to);
    this.points = String(numbers.length);
    this.list = numbers.map((value) => formatParam(spec, value)).join(", ");
    const same = (scale: "log" | "linear"): boolean =>
      sweepValues(spec, { from, to, points: numbers.length, scale }).join() === numbers.join();
    this.scale = same("log") ? "log" : same("linear") ? "linear" : "list";
  }

  /** The values, or by field why there are none. */
  values(specs: readonly ParamSpec[]): {
    readonly values: readonly ParamValue[];
    readonly problems: Readonly<Record<string, string>>;
  } {
    const spec = specs.find((candidate) => candidate.name === this.parameter);
    if (!spec) return { values: [], problems: { parameter: "choose a parameter" } };
    if (spec.type === "choice") return { values: spec.choices.map((choice) => choice.value), problems: {} };
    if (this.scale === "list") return this.#listed(spec);
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

  #listed(spec: NumberParam): { values: readonly ParamValue[]; problems: Readonly<Record<string, string>> } {
    const read = this.list
      .split(",")
      .filter((text) => text.trim() !== "")
      .map((text) => readParam(spec, text));
    const wrong = read.find((bound) => "problem" in bound);
    if (wrong) return { values: [], problems: { list: wrong.problem } };
    const values = [...new Set(read.flatMap((bound) => ("value" in bound ? Number(bound.value) : [])))];
    if (values.length < 2)
      return { values, problems: { list: "a sweep needs at least two values, with commas between" } };
    if (values.length > SWEEP_POINTS_MAX) return { values, problems: { list: `at most ${SWEEP_POINTS_MAX} values` } };
    return { values, problems: {} };
  }
}
