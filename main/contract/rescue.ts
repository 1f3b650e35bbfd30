/**
 * What can be done where the history cannot be opened: each call works without one. The file that could not be opened
 * is never changed; what is used instead is remembered. Paths stay in the host: the window has numbers of copies.
 */
import * as v from "valibot";
import { shellToHost, windowToHost, windowToMain } from "./define.ts";
import { countSchema, idSchema, nothingSchema } from "./shapes.ts";

const path = v.pipe(v.string(), v.nonEmpty());

export const copySchema = v.object({
  /** As of the last look; 1 is the newest. */
  id: idSchema,
  /** The file's name, and its folder as people read it. */
  name: v.string(),
  folder: v.string(),
  kind: v.picklist(["migration", "restore", "backup", "history"]),
  /** Milliseconds since 1970. */
  madeMs: v.number(),
  bytes: countSchema,
  /** null where it cannot be opened: `problem` says why. */
  experiments: v.nullable(countSchema),
  runs: v.nullable(countSchema),
  problem: v.nullable(v.string()),
});
export type HistoryCopy = v.InferOutput<typeof copySchema>;

export const recoveredSchema = v.object({
  /** Of the copies, for `rescue.open`. */
  id: idSchema,
  name: v.string(),
  experiments: countSchema,
  runs: countSchema,
  samples: countSchema,
  /** Tables of which something was lost. */
  incomplete: v.array(v.string()),
});
export type RecoveredHistory = v.InferOutput<typeof recoveredSchema>;

/** The name of the history that is open now. */
const opened = v.object({ name: v.string() });

export const rescueCalls = {
  /** The history that is wanted, by name, and the copies that there are of it. */
  "rescue.look": windowToHost(nothingSchema, v.object({ name: v.string(), copies: v.array(copySchema) })),
  /** Tries to open the same file again. */
  "rescue.retry": windowToHost(nothingSchema, opened),
  /** Opens a copy: a history as it is, of all others a new history made of it. */
  "rescue.open": windowToHost(v.object({ id: idSchema }), opened),
  /** Starts a new, empty history beside the one that cannot be opened. */
  "rescue.startNew": windowToHost(nothingSchema, opened),
  /** Saves what can be read of the history into a new one beside it; that is not opened yet. */
  "rescue.recover": windowToHost(nothingSchema, recoveredSchema),
  /** Asks for a history with the system's dialog and opens it as it is; null: the user changed their mind. */
  "rescue.choose": windowToMain(nothingSchema, v.nullable(opened)),
  /** Asks with the system's dialog where to start a new history; null: the user changed their mind. */
  "rescue.chooseNew": windowToMain(nothingSchema, v.nullable(opened)),
  "rescue.openFile": shellToHost(v.object({ path }), opened),
  "rescue.create": shellToHost(v.object({ path }), opened),
};

/** Is it one of the calls that work without a history? */
export function isRescueCall(name: string): name is keyof typeof rescueCalls {
  return Object.hasOwn(rescueCalls, name);
}
