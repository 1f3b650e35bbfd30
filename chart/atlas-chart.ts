/** Results of many tasks: what each policy saves against what it costs. A small point a task, a large one a policy. */
import type { ChartConfiguration, Plugin, Point } from "chart.js";
import { formatNs } from "../engine/experiment/format.ts";
import { median } from "../engine/experiment/median.ts";
import { isPolicyId, type PolicyId } from "../engine/experiment/policies.ts";
import { policyWord } from "../engine/experiment/words.ts";
import type { Palette } from "./palette.ts";
import { PLAIN_OPTIONS, PLAIN_PLUGINS } from "./plain.ts";
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

/** The policies' names beside their large points, moved down where they would stand on one another. */
function names(points: readonly { readonly policy: PolicyId }[], palette: Palette, font: string): Plugin<"line"> {
  return {
    id: "names",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea } = chart;
      ctx.save();
      ctx.font = `500 12px ${font}`;
      ctx.textBaseline = "middle";
      const placed: { x: number; y: number }[] = [];
      for (const [i, { policy }] of points.entries()) {
        const at = chart.getDatasetMeta(points.length + i).data[0];
        if (!at) continue;
        const right = at.x > chartArea.left + 0.75 * (chartArea.right - chartArea.left);
        let y = Math.max(at.y - 10, chartArea.top + 8);
        while (placed.some((other) => Math.abs(other.x - at.x) < 120 && Math.abs(other.y - y) < 14)) y += 14;
        placed.push({ x: at.x, y });
        ctx.textAlign = right ? "right" : "left";
        ctx.fillStyle = policyStyle(policy).colors[palette.theme];
        // The ground shows between the letters and the points under them.
        ctx.strokeStyle = palette.surface;
        ctx.lineWidth = 4;
        ctx.lineJoin = "round";
        ctx.strokeText(policyWord(policy), at.x + (right ? -10 : 10), y);
        ctx.fillText(policyWord(policy), at.x + (right ? -10 : 10), y);
      }
      ctx.restore();
    },
  };
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
    plugins: [names(middles, palette, font)],
  };
}
