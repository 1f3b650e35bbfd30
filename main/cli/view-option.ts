/** Options for what a chart shows. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Axis } from "../../chart/axis.ts";
import type { ChartView } from "../../chart/view.ts";
import { BadInputError } from "../../engine/error.ts";
import { FIGURES, METRICS } from "../../engine/experiment/figures.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import { baselineOption } from "./policy-option.ts";

export interface ViewOptions {
  readonly metric?: string;
  readonly axis?: Axis;
  readonly from?: Place;
  readonly to?: Place;
  readonly run?: number[];
  readonly figure?: string;
  readonly baseline?: PolicyId;
}

/** A place on an axis: operations, or nanoseconds if given with a unit of time. */
interface Place {
  readonly value: number;
  readonly axis: Axis;
}

const TIME_UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, min: 60e9 };

function place(text: string): Place {
  const [, number = "", unit = ""] = /^([\d_,]+(?:\.\d+)?)\s*([a-zµ]*)$/.exec(text.trim()) ?? [];
  const value = Number(number.replaceAll(/[_,]/g, ""));
  const factor = unit === "" ? 1 : TIME_UNITS[unit];
  if (number === "" || factor === undefined || !Number.isFinite(value * factor))
    throw new InvalidArgumentError(
      "It must be a number of operations, such as 20000, or a time with its unit, such as 1.5s.",
    );
  return { value: value * factor, axis: unit === "" ? "operations" : "time" };
}

function runs(text: string, before: number[] | undefined): number[] {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("A run is a whole number from 1; `show` lists the runs.");
  return [...(before ?? []), value];
}

/** The options of a command that draws charts. */
export function withView(command: Command): Command {
  return command
    .addOption(
      new Option("--metric <metric>", "the metric that a chart of runs draws (default: vmpte)").choices(
        METRICS.map(({ id }) => id),
      ),
    )
    .addOption(
      new Option("--axis <axis>", "the x axis (default: time for programs, operations for workloads)").choices([
        "operations",
        "time",
      ]),
    )
    .option("--from <place>", "start of the range: operations, or a time such as 1.5s (default: the whole run)", place)
    .option("--to <place>", "end of the range", place)
    .option("--run <id>", "only this run; may be repeated (default: all)", runs)
    .addOption(
      new Option(
        "--figure <figure>",
        "the figure that a chart of a sweep draws against its parameter (default: peak_vmpte)",
      ).choices(FIGURES.map(({ id }) => id)),
    )
    .addOption(baselineOption());
}

/** Throws BadInputError if the options contradict each other. */
export function viewOf({ metric, axis: chosen, from, to, run, figure, baseline }: ViewOptions): ChartView {
  const axis = chosen ?? from?.axis ?? to?.axis;
  for (const end of [from, to])
    if (end && end.axis !== axis)
      throw new BadInputError(
        axis === "time" ? "A time needs its unit, such as 1.5s" : "A time is valid on the time axis only",
        { where: axis === "time" ? "--from, --to" : "--axis operations", todo: "Use --axis time and times with units" },
      );
  const range = { min: from?.value ?? 0, max: to?.value ?? Number.MAX_VALUE };
  if (range.min >= range.max)
    throw new BadInputError("The range to draw is empty", {
      where: "--from, --to",
      todo: "Make --to larger than --from",
    });
  return { metric, axis, runs: run, figure, baseline, ...(from || to ? { range } : {}) };
}
