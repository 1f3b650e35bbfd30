/** What the host and the worker that looks at the machine say to each other. */
import * as v from "valibot";
import type { AskedKernel } from "../../probe/this-kernel.ts";
import { factSchema, labErrorSchema } from "../contract/shapes.ts";

/** What a look is started with: the history that is used. */
export const lookTaskSchema = v.object({ history: v.string() });
export type LookTask = v.InferOutput<typeof lookTaskSchema>;

/** The machine's facts, and what the probe said of its kernel: the host need not ask again. */
export const lookResultSchema = v.variant("kind", [
  v.object({
    kind: v.literal("seen"),
    facts: v.array(factSchema),
    asked: v.optional(v.custom<AskedKernel>((value) => typeof value === "object" && value !== null)),
  }),
  v.object({ kind: v.literal("failed"), error: labErrorSchema }),
]);
export type LookResult = v.InferOutput<typeof lookResultSchema>;
