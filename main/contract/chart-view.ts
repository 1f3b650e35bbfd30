/** What of an experiment a chart shows, as it crosses processes. */
import * as v from "valibot";
import { FIGURES, METRICS } from "../../engine/experiment/figures.ts";
import { POLICY_IDS } from "../../engine/experiment/policies.ts";
import { idsSchema } from "./shapes.ts";

const placeSchema = v.pipe(v.number(), v.finite());

export const chartViewSchema = v.object({
  metric: v.optional(v.picklist(METRICS.map(({ id }) => id))),
  axis: v.optional(v.picklist(["operations", "time"])),
  range: v.optional(
    v.pipe(
      v.object({ min: placeSchema, max: placeSchema }),
      v.check(({ min, max }) => min < max, "its end is not behind its beginning"),
    ),
  ),
  runs: v.optional(idsSchema),
  figure: v.optional(v.picklist(FIGURES.map(({ id }) => id))),
  baseline: v.optional(v.picklist(POLICY_IDS)),
});
