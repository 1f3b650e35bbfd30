/** The policies' names beside their points, where both axes are numbers. */
import type { Plugin } from "chart.js";
import type { PolicyId } from "../engine/experiment/policies.ts";
import { policyWord } from "../engine/experiment/words.ts";
import { spread } from "./end-labels.ts";
import type { Palette } from "./palette.ts";
import { policyColor } from "./policy-style.ts";

const NAME_HEIGHT = 14;
const GAP = 10;

/** Indices of stretches from `from` to `to`, in groups: two stretches that overlap, or that others join, are in one. */
export function overlapping(stretches: readonly { readonly from: number; readonly to: number }[]): number[][] {
  const groups: number[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  const order = stretches.map((_, i) => i).sort((a, b) => stretches[a].from - stretches[b].from);
  for (const i of order) {
    const { from, to } = stretches[i];
    if (from < end) groups[groups.length - 1].push(i);
    else groups.push([i]);
    end = Math.max(end, to);
  }
  return groups;
}

/**
 * Names the only point of dataset `first + i` after `policies[i]`: a little above it, to the left of those in the right third, one
 * above the other where names would overlap.
 */
export function pointNames(
  policies: readonly PolicyId[],
  first: number,
  palette: Palette,
  font: string,
): Plugin<"line"> {
  return {
    id: "pointNames",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea } = chart;
      const rightOf = chartArea.left + (2 / 3) * (chartArea.right - chartArea.left);
      ctx.save();
      ctx.font = `500 12px ${font}`;
      const names = policies.flatMap((policy, i) => {
        const at = chart.getDatasetMeta(first + i).data[0];
        if (!at) return [];
        const { width } = ctx.measureText(policyWord(policy));
        const right = at.x > rightOf;
        const from = right ? at.x - GAP - width : at.x + GAP;
        return [{ policy, y: at.y, from, to: from + width }];
      });
      ctx.textBaseline = "middle";
      ctx.textAlign = "left";
      // The ground shows between the letters and what is under them.
      ctx.strokeStyle = palette.surface;
      ctx.lineWidth = 4;
      ctx.lineJoin = "round";
      for (const indices of overlapping(names)) {
        const group = indices.map((i) => names[i]);
        const places = spread(
          group.map(({ y }) => y - GAP),
          NAME_HEIGHT,
          chartArea.top - NAME_HEIGHT - 6,
          chartArea.bottom,
        );
        for (const [i, each] of group.entries()) {
          ctx.fillStyle = policyColor(each.policy, palette.theme);
          ctx.strokeText(policyWord(each.policy), each.from, places[i]);
          ctx.fillText(policyWord(each.policy), each.from, places[i]);
        }
      }
      ctx.restore();
    },
  };
}
