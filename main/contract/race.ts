/** Calls and events of the interleaving explorer. One search at a time; it runs in a worker of its own. */
import * as v from "valibot";
import { shellToHost, windowToHost, windowToMain } from "./define.ts";
import { countSchema, labErrorSchema, modeSchema, nothingSchema } from "./shapes.ts";

/** A patch that can be taken out; null: none is. */
const withoutSchema = v.nullable(v.picklist(["1", "2", "8", "9fix", "10", "617fix"]));
const scenarioNameSchema = v.pipe(v.string(), v.nonEmpty(), v.maxLength(120));

/** What a case is about: a policy, and of the series what is taken out. */
const raceKernel = { mode: modeSchema, without: withoutSchema };
export const raceKernelSchema = v.object(raceKernel);
export type RaceKernel = v.InferOutput<typeof raceKernelSchema>;

export const raceScenarioSchema = v.object({
  name: v.string(),
  title: v.string(),
  story: v.string(),
  /** The columns of a schedule: what runs on CPU 0, 1, ... */
  lanes: v.array(v.string()),
  /** What it is tried under, in that order; how that is called, and what it comes to and why where that is known. */
  cases: v.array(v.object({ ...raceKernel, kernel: v.string(), finding: v.string() })),
});
export type RaceScenario = v.InferOutput<typeof raceScenarioSchema>;

export const raceStepSchema = v.object({
  /** From 1. */
  step: countSchema,
  cpu: countSchema,
  /** The kernel function that acts, and what it does to what. */
  fn: v.string(),
  event: v.string(),
  /** What the kernel does here, in words. */
  words: v.string(),
  /** The PMD entry of the scenario's 2 MiB and the PTE tables, after the step. */
  pmd: v.string(),
  tables: v.string(),
  /** This step breaks the invariant. */
  failing: v.boolean(),
});
export type RaceStep = v.InferOutput<typeof raceStepSchema>;

export const raceResultSchema = v.object({
  scenario: v.string(),
  ...raceKernel,
  /** `unknown`: a bound was hit (or the search was cancelled) before it was over. */
  verdict: v.picklist(["holds", "broken", "unknown"]),
  /** Complete interleavings that differ in the order of dependent steps; states reached and checked. */
  interleavings: countSchema,
  states: countSchema,
  cut: countSchema,
  steps: countSchema,
  bound: v.nullable(v.string()),
  violation: v.nullable(
    v.object({
      invariant: v.string(),
      detail: v.string(),
      /** Fewest times that one CPU takes over from another. */
      switches: countSchema,
      cpus: v.array(countSchema),
      steps: v.array(raceStepSchema),
      /** The command that replays it. */
      replay: v.string(),
    }),
  ),
});
export type RaceResultMessage = v.InferOutput<typeof raceResultSchema>;

/** Which cases: of one scenario or of all (null); one case, or all that there are (null). */
export const raceQuerySchema = v.object({
  scenario: v.nullable(scenarioNameSchema),
  kernel: v.nullable(raceKernelSchema),
});
export type RaceQuery = v.InferOutput<typeof raceQuerySchema>;

const raceExport = {
  scenario: scenarioNameSchema,
  ...raceKernel,
  /** The CPU of each step. */
  cpus: v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(3))), v.maxLength(10_000)),
  format: v.picklist(["txt", "json"]),
};

export const raceCalls = {
  /** The user's own first. */
  "race.list": windowToHost(nothingSchema, v.array(raceScenarioSchema)),
  /** A scenario's file that the system's dialog asks for; from then on it is listed under its file's name. null: the user changed their mind. */
  "race.open": windowToMain(nothingSchema, v.nullable(raceScenarioSchema)),
  "race.read": shellToHost(v.object({ path: v.pipe(v.string(), v.nonEmpty()) }), raceScenarioSchema),
  /** Starts a search and gives the number of its cases; a search that is under way is cancelled first. */
  "race.start": windowToHost(raceQuerySchema, countSchema),
  /** Was there a search to cancel? It ends within a second. */
  "race.cancel": windowToHost(nothingSchema, v.boolean()),
  /** A schedule as text (table and words) or JSON, to be copied. */
  "race.text": windowToHost(v.object(raceExport), v.string()),
  /** The same into a file that the system's dialog asks for. `file`: its name; null: the user changed their mind. */
  "race.save": windowToMain(v.object(raceExport), v.object({ file: v.nullable(v.string()) })),
  "race.write": shellToHost(v.object({ ...raceExport, path: v.pipe(v.string(), v.nonEmpty()) }), countSchema),
};

const progress = {
  scenario: v.string(),
  /** What the case is about, in words. */
  kernel: v.string(),
  /** Of this case. */
  interleavings: countSchema,
  runs: countSchema,
  /** Cases that are over, of all. */
  done: countSchema,
  total: countSchema,
};

export const raceEvents = {
  /** Some ten times a second while a case is under way. */
  "race.progressed": v.object(progress),
  /** A case is over. */
  "race.tried": raceResultSchema,
  /** The search is over. */
  "race.ended": v.object({
    status: v.picklist(["done", "cancelled", "failed"]),
    error: v.nullable(labErrorSchema),
  }),
};

/** What the worker of a search tells the host. */
export const raceWorkerMessageSchema = v.variant("kind", [
  v.object({ kind: v.literal("progressed"), ...progress }),
  v.object({ kind: v.literal("tried"), result: raceResultSchema }),
  v.object({ kind: v.literal("ended"), status: v.picklist(["done", "cancelled"]) }),
  v.object({ kind: v.literal("failed"), error: labErrorSchema }),
]);
export type RaceWorkerMessage = v.InferOutput<typeof raceWorkerMessageSchema>;

/** A scenario of the user's own: the text of its file, and the file's name, which is its own. */
export const ownScenarioSchema = v.object({ name: v.string(), text: v.string() });
export type OwnScenario = v.InferOutput<typeof ownScenarioSchema>;

export const raceTaskSchema = v.object({
  query: raceQuerySchema,
  own: v.array(ownScenarioSchema),
  /** One shared Int32: 0 go on, 1 stop at the next look. */
  stop: v.instance(SharedArrayBuffer),
});
export type RaceTask = v.InferOutput<typeof raceTaskSchema>;
