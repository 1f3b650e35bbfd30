/** Trials: a program of the user's, as it is and under settings of its environment. */
import * as v from "valibot";
import { REPEAT_MAX, SETTINGS_MAX } from "../../engine/experiment/trial.ts";
import { shellToHost, windowToMain } from "./define.ts";
import { commandSchema, shownText } from "./record.ts";
import { experimentSchema, settingEnvSchema, titleSchema } from "./shapes.ts";

const settingSchema = v.object({
  name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(80)),
  env: settingEnvSchema,
});

const trialSpecSchema = v.object({
  /** The program, by a path or as PATH finds it, and its arguments. */
  command: v.pipe(v.array(v.string()), v.minLength(1)),
  cwd: v.string(),
  /** The environment that the settings are added to; as the system gave it, but for names that objects have a meaning for. */
  env: v.record(v.string(), v.string()),
  /** Where none is given, those that suit the allocator that the program is seen to use. */
  settings: v.pipe(v.array(settingSchema), v.maxLength(SETTINGS_MAX)),
  repeat: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(REPEAT_MAX)),
  title: v.optional(titleSchema),
});

/** A trial as the window asks for it: text that people type. */
const typedTrialSchema = v.object({
  command: commandSchema,
  /** Where it is started; the user's own folder where empty. */
  folder: shownText("A folder", "line"),
  /** `NAME: VAR=VALUE ...`; default: those that suit its allocator. */
  settings: v.pipe(v.array(shownText("A setting", "line", 2000)), v.maxLength(SETTINGS_MAX)),
  repeat: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(REPEAT_MAX)),
});

export const trialCalls = {
  /** Asks with the system's dialog whether to run the program; null: the user changed their mind. */
  "trial.launch": windowToMain(typedTrialSchema, v.nullable(experimentSchema)),
  /** The same without a question. */
  "trial.run": shellToHost(typedTrialSchema, experimentSchema),
  /** Stores the experiment with a run a setting and turn, and starts them, one after the other. experiment.cancel ends it. */
  "trial.start": shellToHost(trialSpecSchema, experimentSchema),
};
