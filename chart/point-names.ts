/** The policies' names beside their points, where both axes are numbers. */
import type { Plugin } from "chart.js";
import type { PolicyId } from "../engine/experiment/policies.ts";
import { policyWord } from "../engine/experiment/words.ts";
import { spread } from "./end-labels.ts";
import type { Palette } from "./palette.ts";
import { policyColor } from "./policy-style.ts";

const NAME_HEIGHT = 14;
/** Points nearer than this would have their names over each other. */
const NAME_WIDTH = 120;

/**
 * Names the only point of dataset `first + i` after `policies[i]`: a little above it, to the left of those in the right third, one
 * above the other where points are close.
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
      const waiting = policies.flatMap((policy, i) => {
        const at = chart.getDatasetMeta(first + i).data[0];
        return at ? [{ policy, x: at.x, y: at.y, right: at.x > rightOf }] : [];
      });
      ctx.save();
      ctx.font = `500 12px ${font}`;
      ctx.textBaseline = "middle";
      // The ground shows between the letters and what is under them.
      ctx.strokeStyle = palette.surface;
      ctx.lineWidth = 4;
      ctx.lineJoin = "round";
      for (let lead = waiting[0]; lead !== undefined; lead = waiting[0]) {
        const { x, right } = lead;
        const group = waiting.filter((each) => each.right === right && Math.abs(each.x - x) < NAME_WIDTH);
        for (const each of group) waiting.splice(waiting.indexOf(each), 1);
        const places = spread(
          group.map(({ y }) => y - 10),
          NAME_HEIGHT,
          chartArea.top - NAME_HEIGHT - 6,
          chartArea.bottom,
        );
        for (const [i, each] of group.entries()) {
          const edge = each.x + (each.right ? -10 : 10);
          ctx.textAlign = each.right ? "right" : "left";
          ctx.fillStyle = policyColor(each.policy, palette.theme);
          ctx.strokeText(policyWord(each.policy), edge, places[i]);
          ctx.fillText(policyWord(each.policy), edge, places[i]);
        }
      }
      ctx.restore();
    },
  };
}
