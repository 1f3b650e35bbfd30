/**
 * The plan of a study: which workloads, with which parameters, under which policies, on which kernels, with which seeds.
 * Lists are crossed. Read from a file and checked: what is wrong is said with its place in the plan.
 */
import { createHash } from "node:crypto";
import { createReadStream, globSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import * as v from "valibot";
import { whyOf } from "../../db/file-error.ts";
import { isRegular } from "../../db/regular.ts";
import { BadInputError } from "../../engine/error.ts";
import { formatCount } from "../../engine/experiment/format.ts";
import { checkKnobs } from "../../engine/experiment/knobs.ts";
import { validateParams } from "../../engine/experiment/params.ts";
import { isPolicyId } from "../../engine/experiment/policies.ts";
import type { Params, ParamValue } from "../../engine/experiment/types.ts";
import { findPreset, PRESETS } from "../../engine/workload/presets/index.ts";
import { plainRecord } from "../contract/plain-keys.ts";
import { describeChoices } from "./choices.ts";

/** More tasks than this are a mistake sooner than a study; a plan of so many takes 1.2 GB. */
const TASKS_MAX = 1_000_000;
const PLAN_BYTES_MAX = 4 << 20;

const paramValue = v.union([v.string(), v.number(), v.boolean()]);
const names = v.pipe(v.array(v.pipe(v.string(), v.minLength(1))), v.minLength(1, "give at least one"));

/** A value or several for each name. */
const values = v.optional(
  plainRecord(
    v.string(),
    v.union([paramValue, v.pipe(v.array(paramValue), v.minLength(1, "give at least one value"))]),
  ),
  {},
);

const presetSchema = v.strictObject({ preset: v.string(), params: values });
const traceSchema = v.strictObject({
  trace: v.pipe(v.string(), v.minLength(1)),
  pid: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  touch_on_map: v.optional(v.boolean()),
});

const planSchema = v.strictObject({
  version: v.literal(1, "version 1 of plans is what this release reads"),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  workloads: v.pipe(
    v.array(
      v.lazy((entry) => (typeof entry === "object" && entry !== null && "trace" in entry ? traceSchema : presetSchema)),
    ),
    v.minLength(1, "give at least one"),
  ),
  policies: names,
  knobs: values,
  profiles: v.optional(names, ["reference"]),
  seeds: v.optional(
    v.pipe(v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))), v.minLength(1, "give at least one")),
    [1],
  ),
  samples: v.optional(v.boolean(), false),
});

/** A workload of a plan, with one value for each parameter. */
export type PlannedWorkload =
  | { readonly kind: "preset"; readonly name: string; readonly params: Params }
  | PlannedTrace;

export interface PlannedTrace {
  readonly kind: "trace";
  /** Its path as the plan's folder sees it, with `/`: what results call it. */
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
  readonly pid: number | null;
  readonly touchOnMap: boolean;
}

export interface Plan {
  readonly name: string;
  readonly workloads: readonly PlannedWorkload[];
  readonly policies: readonly string[];
  /** Every combination of what is set of policies and kernels (engine/experiment/knobs.ts); absent: nothing is. */
  readonly knobs?: readonly Params[];
  readonly profiles: readonly string[];
  readonly seeds: readonly number[];
  readonly samples: boolean;
}

const TODO = "docs/results.md shows a plan";

function refuse(file: string, problems: readonly string[]): never {
  const shown = problems.slice(0, 8);
  const more = problems.length - shown.length;
  throw new BadInputError(`${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`, { where: file, todo: TODO });
}

/** workloads[0].params.size */
function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`));
  return keys.join("").replace(/^\./, "").slice(0, 120);
}

function sentence(issue: v.BaseIssue<unknown>): string {
  const at = pathOf(issue);
  const said =
    issue.type === "strict_object" && issue.expected === "never"
      ? "is not a part of a plan"
      : issue.type === "strict_object" && issue.received === "undefined"
        ? "is missing"
        : issue.message.replace(/^Invalid/, "is an invalid");
  return `${at === "" ? "the plan" : at}: ${said.slice(0, 200)}`;
}

function readText(file: string): string {
  try {
    const found = statSync(file);
    if (!found.isFile()) throw new BadInputError("It is not a file", { where: file });
    if (found.size > PLAN_BYTES_MAX)
      throw new BadInputError("It is too long for a plan", { where: file, why: "a plan is at most 4 MiB" });
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof BadInputError) throw error;
    throw new BadInputError("The plan cannot be read", { where: file, why: whyOf(error) });
  }
}

type Lists = Readonly<Record<string, ParamValue | readonly ParamValue[]>>;

/** How many combinations of one value a parameter there are. */
function combinations(params: Lists): number {
  return Object.values(params).reduce<number>((count, given) => count * (Array.isArray(given) ? given.length : 1), 1);
}

/** Every combination of one value a parameter, the last one varying fastest. */
function crossed(params: Lists): Record<string, ParamValue>[] {
  let all: Record<string, ParamValue>[] = [{}];
  for (const [name, given] of Object.entries(params)) {
    const values = Array.isArray(given) ? (given as readonly ParamValue[]) : [given as ParamValue];
    all = all.flatMap((some) => values.map((value) => ({ ...some, [name]: value })));
  }
  return all;
}

function presetWorkloads(entry: v.InferOutput<typeof presetSchema>, at: string, problems: string[]): PlannedWorkload[] {
  const preset = findPreset(entry.preset);
  if (preset === undefined) {
    problems.push(
      `${at}.preset: there is no preset "${entry.preset.slice(0, 60)}"; ${describeChoices(PRESETS.map(({ name }) => name))}`,
    );
    return [];
  }
  const workloads: PlannedWorkload[] = [];
  for (const given of crossed(entry.params)) {
    const checked = validateParams(preset.params, given);
    if (checked.ok) workloads.push({ kind: "preset", name: preset.name, params: checked.params });
    else
      for (const { name, reason } of checked.problems) {
        const problem = `${at}.params.${name}: ${reason}`;
        if (!problems.includes(problem)) problems.push(problem);
      }
    if (problems.length > 100) break;
  }
  return workloads;
}

/** Every combination of knobs, of those that are named. */
function crossedKnobs(given: v.InferOutput<typeof values>, policies: readonly string[], problems: string[]): Params[] {
  return crossed(given).flatMap((some) => {
    const checked = checkKnobs(some, policies.filter(isPolicyId));
    if (checked.ok) return [Object.fromEntries(Object.keys(some).map((name) => [name, checked.params[name]]))];
    for (const { name, reason } of checked.problems) {
      const problem = `knobs.${name}: ${reason}`;
      if (!problems.includes(problem)) problems.push(problem);
    }
    return [];
  });
}

/** SHA-256 of a file's bytes. */
async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

async function traceWorkloads(
  entry: v.InferOutput<typeof traceSchema>,
  at: string,
  folder: string,
  problems: string[],
): Promise<PlannedWorkload[]> {
  let found: string[];
  try {
    found = isAbsolute(entry.trace)
      ? globSync(entry.trace)
      : globSync(entry.trace, { cwd: folder }).map((path) => resolve(folder, path));
  } catch (error) {
    problems.push(`${at}.trace: ${(error as Error).message}`);
    return [];
  }
  const files = found.filter(isRegular).sort();
  if (files.length === 0) problems.push(`${at}.trace: no file matches "${entry.trace.slice(0, 120)}"`);
  const workloads: PlannedWorkload[] = [];
  for (const path of files) {
    const name = relative(folder, path).split(sep).join("/");
    try {
      // So do the files that the kernel makes up, some of which have no end or wait for one who writes.
      if (statSync(path).size === 0) {
        problems.push(`${at}.trace: ${name} is empty`);
        continue;
      }
      const sha256 = await digestOfFile(path);
      workloads.push({
        kind: "trace",
        name,
        path,
        sha256,
        pid: entry.pid ?? null,
        touchOnMap: entry.touch_on_map ?? false,
      });
    } catch (error) {
      problems.push(`${at}.trace: ${name} cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`);
    }
  }
  return workloads;
}

/** What a plan may name besides presets; `refused`: why it is none, or null. */
export interface Known {
  policy(name: string): string | null;
  profile(name: string): string | null;
}

/**
 * Reads a plan and resolves it: parameters checked and defaults filled in, traces found and digested.
 * Errors: BadInputError with every problem's place in the plan and its reason.
 */
export async function readPlan(file: string, known: Known): Promise<Plan> {
  const text = readText(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadInputError("The plan is not JSON", { where: file, why: (error as Error).message, todo: TODO });
  }
  const checked = v.safeParse(planSchema, value);
  if (!checked.success) refuse(file, checked.issues.map(sentence));
  const { name, policies, knobs: given, profiles, seeds, samples, workloads: entries } = checked.output;
  const once = <T>(list: readonly T[]) => [...new Set(list)];
  /** Of so many workloads. */
  const requireBound = (workloads: number): void => {
    const lists = [policies, profiles, seeds].map((list) => once<unknown>(list).length);
    const count = lists.reduce((product, length) => product * length, workloads * combinations(given));
    if (count > TASKS_MAX)
      refuse(file, [`it makes ${formatCount(count)} tasks; the maximum is ${formatCount(TASKS_MAX)}`]);
  };
  // Before anything is crossed; how many files a pattern matches is seen later.
  requireBound(entries.reduce((count, entry) => count + ("trace" in entry ? 1 : combinations(entry.params)), 0));
  const problems: string[] = [];
  const complain = (at: string, what: string | null) => {
    if (what !== null) problems.push(`${at}: ${what}`);
  };
  for (const [i, policy] of policies.entries()) complain(`policies[${i}]`, known.policy(policy));
  for (const [i, profile] of profiles.entries()) complain(`profiles[${i}]`, known.profile(profile));
  // What policies there are is known by then.
  const knobs = problems.length === 0 ? crossedKnobs(given, policies, problems) : [];
  const workloads: PlannedWorkload[] = [];
  for (const [i, entry] of entries.entries()) {
    const at = `workloads[${i}]`;
    const made =
      "trace" in entry
        ? await traceWorkloads(entry, at, dirname(resolve(file)), problems)
        : presetWorkloads(entry, at, problems);
    for (const each of made) workloads.push(each);
  }
  if (problems.length > 0) refuse(file, problems);
  requireBound(workloads.length);
  return {
    name,
    workloads,
    policies: once(policies),
    ...(Object.keys(given).length === 0 ? {} : { knobs }),
    profiles: once(profiles),
    seeds: once(seeds),
    samples,
  };
}
