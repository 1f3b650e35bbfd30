/** What each policy saves against what it costs the program's own calls: one point a policy. */
import type { ChartConfiguration, Plugin, Point } from "chart.js";
import { type ComparableRun, comparePolicies } from "../engine/experiment/compare-runs.ts";
import { formatNs } from "../engine/experiment/format.ts";
import type { PolicyId } from "../engine/experiment/policies.ts";
import { policyWord } from "../engine/experiment/words.ts";
import { spread } from "./end-labels.ts";
import type { Palette } from "./palette.ts";
import { PLAIN_OPTIONS, PLAIN_PLUGINS } from "./plain.ts";
import { policyColor, policyStyle } from "./policy-style.ts";
import { savingsAxes } from "./savings-axes.ts";

export interface CostPoint {
  readonly policy: PolicyId;
  /** Added to the program's calls and done beside them, in simulated ns. */
  readonly costNs: number;
  /** Share of the baseline's page tables that is saved; 0 for the baseline. */
  readonly saved: number;
}

/** Runs of which both are known. */
export function costPoints(runs: readonly ComparableRun[], baseline?: PolicyId): CostPoint[] {
  return (comparePolicies(runs, baseline, [])?.runs ?? []).flatMap(({ run, isBaseline, saving }) => {
    const cost = run.summary?.cost;
    if (!cost || (!isBaseline && saving === null)) return [];
    return [{ policy: run.mode, costNs: cost.caller_ns + cost.background_ns, saved: saving?.share ?? 0 }];
  });
}

const NAME_HEIGHT = 14;
/** Points nearer than this would have their names over each other. */
const NAME_WIDTH = 120;

/** The policies' names beside their points, one above the other where points are close; those at the right edge have theirs at the left. */
function names(points: readonly CostPoint[], palette: Palette, font: string): Plugin<"line"> {
  return {
    id: "names",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea } = chart;
      ctx.save();
      ctx.font = `500 12px ${font}`;
      ctx.textBaseline = "bottom";
      const drawn = points.flatMap(({ policy }, i) => {
        const at = chart.getDatasetMeta(i).data[0];
        return at ? [{ policy, x: at.x, y: at.y, right: at.x > (chartArea.left + chartArea.right) / 2 }] : [];
      });
      const placed = new Set<(typeof drawn)[number]>();
      for (const first of drawn) {
        if (placed.has(first)) continue;
        const close = drawn.filter(({ x, right }) => right === first.right && Math.abs(x - first.x) < NAME_WIDTH);
        const group = close.filter((each) => !placed.has(each));
        const places = spread(
          group.map(({ y }) => y - 4 - NAME_HEIGHT / 2),
          NAME_HEIGHT,
          chartArea.top - NAME_HEIGHT - 6,
          chartArea.bottom,
        );
        for (const [i, each] of group.entries()) {
          placed.add(each);
          ctx.textAlign = each.right ? "right" : "left";
          ctx.fillStyle = policyColor(each.policy, palette.theme);
          ctx.fillText(policyWord(each.policy), each.x + (each.right ? -8 : 8), places[i] + NAME_HEIGHT / 2);
        }
      }
      ctx.restore();
    },
  };
}

export function costChart(
  points: readonly CostPoint[],
  palette: Palette,
  font: string,
): ChartConfiguration<"line", Point[]> {
  const { cost, saved } = savingsAxes(palette, font);
  return {
    type: "line",
    data: {
      datasets: points.map(({ policy, costNs, saved }) => ({
        label: policyWord(policy),
        data: [{ x: costNs, y: saved * 100 }],
        showLine: false,
        pointStyle: policyStyle(policy).point,
        pointRadius: 6,
        borderWidth: 2,
        borderColor: policyColor(policy, palette.theme),
        backgroundColor: policyColor(policy, palette.theme),
      })),
    },
    options: {
      ...PLAIN_OPTIONS,
      layout: { padding: { top: 20, right: 16 } },
      scales: {
        x: {
          type: "linear",
          beginAtZero: true,
          ...cost.axis("cost, simulated time of CPU"),
          ticks: {
            ...cost.ticks,
            maxTicksLimit: 5,
            callback: (value) => formatNs(Number(value)),
          },
        },
        y: {
          type: "linear",
          beginAtZero: true,
          ...saved("page tables saved", 5),
        },
      },
      plugins: PLAIN_PLUGINS,
    },
    plugins: [names(points, palette, font)],
  };
}
