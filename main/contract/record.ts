/** Recordings: a launched program or a running process, recorded as a capture and opened as a trace. */
import * as v from "valibot";
import { POLICY_IDS } from "../../engine/experiment/policies.ts";
import { shownProblem } from "../../engine/experiment/text-limits.ts";
import { shellToHost, windowToHost, windowToMain } from "./define.ts";
import { labErrorSchema, nothingSchema, openedFileSchema } from "./shapes.ts";

const TEXT_MAX = 20_000;
/** A line of the window's chart has at most so many points. */
export const LINE_POINTS_MAX = 400;

/** What is run is shown before, and as it is. */
export const shownText = (what: string, lines: "line" | "lines", most = TEXT_MAX) =>
  v.pipe(
    v.string(),
    v.trim(),
    v.maxLength(most),
    v.check(
      (text) => shownProblem(what, text, lines) === null,
      ({ input }) => shownProblem(what, input, lines) ?? "",
    ),
  );
export const commandSchema = v.pipe(shownText("A command", "line"), v.nonEmpty("there is no command"));

const launchSchema = v.object({
  /** The program and its arguments, as a shell parts them; no shell reads it. */
  command: commandSchema,
  /** Where it is started; the user's own folder where empty. */
  folder: shownText("A folder", "line"),
  /** VAR=VALUE, a line each, added to the environment. */
  env: shownText("The environment", "lines"),
  /** With the call stack of every memory system call. */
  stacks: v.boolean(),
});
export type Launch = v.InferOutput<typeof launchSchema>;

const attachSchema = v.object({
  pid: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** And those below it that run already. */
  children: v.boolean(),
  stacks: v.boolean(),
  /** Without page faults: for programs that fault often. */
  light: v.boolean(),
});

/** A recording under way. */
const recordingSchema = v.object({
  /** The program's name, or that of the process. */
  name: v.string(),
  how: v.picklist(["launch", "attach"]),
  /** Getting ready, recording, writing down what was recorded. */
  phase: v.picklist(["starting", "recording", "finishing"]),
  /** Since it began, ms. */
  elapsedMs: v.number(),
  /** What the kernel is known to do with empty tables. */
  mode: v.picklist(POLICY_IDS),
  /** VmPTE and RSS so far, thinned; peaks stay. */
  line: v.pipe(
    v.array(v.object({ atMs: v.number(), vmpteKb: v.number(), rssKb: v.number() })),
    v.maxLength(2 * LINE_POINTS_MAX),
  ),
});
export type Recording = v.InferOutput<typeof recordingSchema>;

const meansSchema = v.object({
  how: v.nullable(v.picklist(["perf", "tracefs"])),
  /** What is missing, and what to do. */
  why: v.string(),
  todo: v.string(),
});
export type RecordMeans = v.InferOutput<typeof meansSchema>;

export const recordCalls = {
  /** What a recording can be made with here. */
  "record.means": windowToHost(nothingSchema, meansSchema),
  /** Asks, with the system's dialog, whether to run this program; then records it. False: the user changed their mind. */
  "record.launch": windowToMain(launchSchema, v.boolean()),
  /** Asks for a folder with the system's dialog; null: the user changed their mind. */
  "record.chooseFolder": windowToMain(nothingSchema, v.nullable(v.string())),
  /** The same without a question. */
  "record.run": shellToHost(launchSchema, nothingSchema),
  "record.attach": windowToHost(attachSchema, nothingSchema),
  /** Ends what is recorded; a launched program is asked to end. False: nothing was. */
  "record.stop": windowToHost(nothingSchema, v.boolean()),
  /** The one under way; null: none. */
  "record.look": windowToHost(nothingSchema, v.nullable(recordingSchema)),
};

export const recordEvents = {
  /** null: none any more. */
  "record.changed": v.nullable(recordingSchema),
  /** It is a capture now, opened; or it failed. */
  "record.ended": v.variant("kind", [
    v.object({
      kind: v.literal("recorded"),
      opened: openedFileSchema,
      notes: v.array(v.string()),
      /** What being recorded cost the program, a clause; null: not measured. */
      cost: v.nullable(v.string()),
    }),
    v.object({ kind: v.literal("failed"), error: labErrorSchema }),
  ]),
} as const;
