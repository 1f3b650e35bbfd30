/** Sweeps: one parameter of a preset over several values, under each policy, as one experiment. */
import * as v from "valibot";
import { SWEEP_POINTS_MAX } from "../../engine/experiment/sweep.ts";
import { windowToHost } from "./define.ts";
import { idSchema, modesSchema, paramsSchema, paramValueSchema, shortTextSchema, titleSchema } from "./shapes.ts";

export const sweepSpecSchema = v.object({
  preset: shortTextSchema,
  /** Of all runs; the swept one is overruled. */
  params: v.optional(paramsSchema, {}),
  /** As in an experiment; the swept one is overruled. */
  knobs: v.optional(paramsSchema, {}),
  /** Which parameter, or knob, is swept. */
  parameter: shortTextSchema,
  /** The values, in the order in which they are run; each once. */
  values: v.pipe(
    v.array(paramValueSchema),
    v.minLength(2, "a sweep needs at least two values"),
    v.maxLength(SWEEP_POINTS_MAX, `a sweep has at most ${SWEEP_POINTS_MAX} values`),
    v.check((values) => new Set(values).size === values.length, "a value is there twice"),
  ),
  mode: v.optional(modesSchema, "both"),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4_294_967_295)), 1),
  levels: v.optional(v.picklist([4, 5]), 4),
  title: v.optional(titleSchema),
});
export type SweepSpec = v.InferInput<typeof sweepSpecSchema>;

export const sweepCalls = {
  /**
   * Checks every value, stores the experiment with a run a value and mode, and starts them, as many at a time as there
   * are cores. Progress is what `run.ended` and `run.sampled` tell; experiment.cancel ends it.
   */
  "sweep.start": windowToHost(sweepSpecSchema, v.object({ id: idSchema })),
  /** Runs what was cancelled, failed or interrupted once more; what is done stays. */
  "sweep.resume": windowToHost(v.object({ id: idSchema }), v.object({ id: idSchema })),
};
