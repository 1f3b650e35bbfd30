/** What Electron main and the lab host say to each other: calls and answers by number, and events. */
import * as v from "valibot";

export const toHostSchema = v.object({ id: v.number(), name: v.string(), params: v.unknown() });
export type ToHost = v.InferOutput<typeof toHostSchema>;

export const fromHostSchema = v.variant("kind", [
  /** The history is open; calls may come. Also later, when another one was opened. */
  v.object({ kind: v.literal("ready") }),
  /** The history could not be opened; calls that do something about it may come. */
  v.object({ kind: v.literal("unable"), error: v.unknown() }),
  v.object({ kind: v.literal("answer"), id: v.number(), answer: v.unknown() }),
  v.object({ kind: v.literal("event"), name: v.string(), payload: v.unknown() }),
]);
export type FromHost = v.InferOutput<typeof fromHostSchema>;
