/** Results of many tasks: what each policy saves against what it costs. A small point a task, a large one a policy. */
import type { ChartConfiguration, Point } from "chart.js";
import { formatNs } from "../engine/experiment/format.ts";
import { median } from "../engine/experiment/median.ts";
import { isPolicyId, type PolicyId } from "../engine/experiment/policies.ts";
import { policyWord } from "../engine/experiment/words.ts";
import type { Palette } from "./palette.ts";
import { PLAIN_OPTIONS, PLAIN_PLUGINS } from "./plain.ts";
import { pointNames } from "./point-names.ts";
import { policyStyle } from "./policy-style.ts";
import { savingsAxes } from "./savings-axes.ts";

/** One task beside the same task under the baseline. */
export interface TaskPoint {
  readonly policy: string;
  /** Of the baseline's average VmPTE, in percent. */
  readonly savedPercent: number;
  /** Simulated ns of CPU, caller and background together. */
  readonly costNs: number;
}

/** Costs below this are drawn here, at a place that is labelled 0: the axis is logarithmic. */
const COST_ZERO_NS = 100;

const place = ({ costNs, savedPercent }: TaskPoint): Point => ({ x: Math.max(costNs, COST_ZERO_NS), y: savedPercent });

/** By cost: Chart.js takes the first and the last point for the ends of the axis. */
const inOrder = (tasks: readonly TaskPoint[]): Point[] => tasks.toSorted((a, b) => a.costNs - b.costNs).map(place);

/** The median task of each policy, in the order of the policies. */
function policyPoints(tasks: readonly TaskPoint[]): readonly (TaskPoint & { readonly policy: PolicyId })[] {
  return [...Map.groupBy(tasks, ({ policy }) => policy)].flatMap(([policy, own]) =>
    isPolicyId(policy)
      ? [
          {
            policy,
            savedPercent: median(own.map((each) => each.savedPercent)),
            costNs: median(own.map((each) => each.costNs)),
          },
        ]
      : [],
  );
}

export function atlasChart(
  tasks: readonly TaskPoint[],
  palette: Palette,
  font: string,
): ChartConfiguration<"line", Point[]> {
  const { cost, saved } = savingsAxes(palette, font);
  const middles = policyPoints(tasks);
  const dataset = (policy: PolicyId, data: Point[], radius: number) => ({
    label: policyWord(policy),
    data,
    showLine: false,
    pointStyle: policyStyle(policy).point,
    pointRadius: radius,
    borderWidth: radius > 4 ? 2 : 1.5,
    borderColor: policyStyle(policy).colors[palette.theme],
    backgroundColor: radius > 4 ? policyStyle(policy).colors[palette.theme] : "transparent",
  });
  return {
    type: "line",
    data: {
      datasets: [
        ...middles.map(({ policy }) => dataset(policy, inOrder(tasks.filter((task) => task.policy === policy)), 3.5)),
        ...middles.map((middle) => dataset(middle.policy, [place(middle)], 7)),
      ],
    },
    options: {
      ...PLAIN_OPTIONS,
      layout: { padding: { top: 12, right: 16 } },
      scales: {
        x: {
          type: "logarithmic",
          min: COST_ZERO_NS / 1.5,
          ...cost.axis("cost of a task, simulated time of CPU"),
          ticks: {
            ...cost.ticks,
            callback: (value) => {
              const ns = Number(value);
              if (ns < COST_ZERO_NS) return null;
              if (ns === COST_ZERO_NS) return "0";
              return Number.isInteger(Math.log10(ns)) ? formatNs(ns) : null;
            },
          },
        },
        y: {
          type: "linear",
          suggestedMin: 0,
          ...saved("average page tables saved", 6),
        },
      },
      plugins: PLAIN_PLUGINS,
    },
    plugins: [
      pointNames(
        middles.map(({ policy }) => policy),
        middles.length,
        palette,
        font,
      ),
    ],
  };
}
