/** What each policy saves against what it costs the program's own calls: one point a policy. */
import type { ChartConfiguration, Point } from "chart.js";
import { type ComparableRun, comparePolicies } from "../engine/experiment/compare-runs.ts";
import { formatNs } from "../engine/experiment/format.ts";
import type { PolicyId } from "../engine/experiment/policies.ts";
import { policyWord } from "../engine/experiment/words.ts";
import type { Palette } from "./palette.ts";
import { PLAIN_OPTIONS, PLAIN_PLUGINS } from "./plain.ts";
import { pointNames } from "./point-names.ts";
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
        // A point on an axis is seen whole.
        clip: false as const,
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
    plugins: [
      pointNames(
        points.map(({ policy }) => policy),
        0,
        palette,
        font,
      ),
    ],
  };
}
