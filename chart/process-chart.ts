/** A service's processes as lines, the largest ones beside their sum. */
import type { ChartConfiguration, Point } from "chart.js";
import { METRICS } from "../engine/experiment/figures.ts";
import { formatKb } from "../engine/experiment/format.ts";
import type { PolicyId } from "../engine/experiment/policies.ts";
import type { ProcessFigures } from "../engine/experiment/types.ts";
import { type Clock, xScale, yScale } from "./axes.ts";
import type { Axis } from "./axis.ts";
import { endLabels, endLabelWidth } from "./end-labels.ts";
import { mix, type Palette } from "./palette.ts";
import { PLAIN_OPTIONS, PLAIN_PLUGINS } from "./plain.ts";
import { POLICY_STYLES, policyColor } from "./policy-style.ts";

/** So many processes and their sum are told apart without colour. */
export const PROCESSES_DRAWN_MAX = POLICY_STYLES.length - 1;
const STEP_OF_SHADE = 0.11;

/** "worker 4711", "number 3" where no pid is known. */
export function processName({ comm, pid, process }: Pick<ProcessFigures, "comm" | "pid" | "process">): string {
  return [comm, pid === 0 ? `number ${process}` : pid].filter((part) => part !== "").join(" ");
}

export interface ProcessChartOptions {
  readonly processes: readonly ProcessFigures[];
  /** How long a step of their lines is, in the unit of the axis. */
  readonly step: number;
  /** All processes together, point by point. */
  readonly sum: readonly Point[];
  readonly policy: PolicyId;
  readonly axis: Axis;
  readonly clock: Clock;
  readonly palette: Palette;
  readonly font: string;
}

/** A line as steps: the most of each step, from its begin to its end, and nothing where the process was not there. */
export function stepPoints({ line }: ProcessFigures, step: number): Point[] {
  if (line === undefined) return [];
  return line.kb.flatMap((kb, at) => [
    { x: (line.from + at) * step, y: kb },
    { x: (line.from + at + 1) * step, y: kb },
  ]);
}

export function processChart(options: ProcessChartOptions): ChartConfiguration<"line", Point[]> {
  const { processes, step, sum, policy, axis, clock, palette, font } = options;
  const drawn = processes.slice(0, PROCESSES_DRAWN_MAX);
  const color = policyColor(policy, palette.theme);
  const end = sum.at(-1)?.x ?? 0;
  const lines = [
    { name: "all together", value: sum.at(-1)?.y ?? 0, data: [...sum], color: palette.ink, dash: [], width: 2 },
    ...drawn.map((each, i) => ({
      name: processName(each),
      value: each.final_vmpte_kb,
      // The last step may be longer than the run.
      data: stepPoints(each, step).map(({ x, y }) => ({ x: Math.min(x ?? 0, end), y })),
      color: mix(color, palette.ink, Math.min(0.7, i * STEP_OF_SHADE)),
      dash: [...POLICY_STYLES[i + 1].dash],
      width: 1.5,
    })),
  ];
  const labels = lines.map(({ name, value, color: of }) => ({ name, value: formatKb(value), color: of }));
  return {
    type: "line",
    data: {
      datasets: lines.map(({ name, data, color: of, dash, width }) => ({
        label: name,
        data,
        borderColor: of,
        borderDash: dash,
        borderWidth: width,
        borderJoinStyle: "round",
        pointRadius: 0,
        pointHitRadius: 0,
        tension: 0,
      })),
    },
    options: {
      ...PLAIN_OPTIONS,
      layout: { padding: { top: 8, right: endLabelWidth(labels) } },
      scales: { x: xScale(axis, [clock], palette, font), y: yScale(METRICS[0], "linear", palette, font) },
      plugins: PLAIN_PLUGINS,
    },
    plugins: [endLabels(labels, font)],
  };
}
