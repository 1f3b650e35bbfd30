/**
 * The tasks of a plan. A task is a pure function of what is hashed here: the same digest gives the same row on any machine,
 * so that any scheduler that runs a task at least once will do.
 */
import { createHash } from "node:crypto";
import { knobsUnder, policyKnobs } from "../../engine/experiment/knobs.ts";
import { isPolicyId } from "../../engine/experiment/policies.ts";
import type { Params } from "../../engine/experiment/types.ts";
import type { Plan, PlannedWorkload } from "./plan.ts";

export interface Task {
  readonly workload: PlannedWorkload;
  readonly policy: string;
  /** What is set of its policy, and of the kernel under every policy (engine/experiment/knobs.ts). */
  readonly knobs: Params;
  readonly switches: Params;
  readonly profile: string;
  readonly seed: number;
  readonly samples: boolean;
  /** SHA-256, hexadecimal. */
  readonly digest: string;
}

/** JSON with the keys of every object sorted. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}

/** Those of the names that are among the specs. */
function only(params: Params, specs: readonly { readonly name: string }[]): Params {
  return Object.fromEntries(Object.entries(params).filter(([name]) => specs.some((spec) => spec.name === name)));
}

/** What of a combination of knobs is of this policy, and what is of the kernel. */
function split(set: Params, policy: string): Pick<Task, "knobs" | "switches"> {
  const policies = isPolicyId(policy) ? [policy] : [];
  return { knobs: only(set, policyKnobs(policies)), switches: only(set, knobsUnder([])) };
}

/**
 * The parameters as results have them: of a preset its own, of a trace what of it is run; and what is set of the kernel. Tasks that
 * are compared with each other have the same.
 */
export function paramsJson({ workload, switches }: Pick<Task, "workload" | "switches">): string {
  if (workload.kind === "preset") return sortedJson({ ...workload.params, ...switches });
  return sortedJson({
    ...switches,
    ...(workload.pid === null ? {} : { pid: workload.pid }),
    ...(workload.touchOnMap ? { touch_on_map: true } : {}),
  });
}

/** What makes a task the task that it is, as SHA-256 in hexadecimal. A trace counts by its bytes, wherever it lies. */
export function taskDigest(task: Omit<Task, "digest" | "samples">, profileValue: unknown, engine: string) {
  const { workload, policy, knobs, profile, seed } = task;
  const what = workload.kind === "preset" ? ["preset", workload.name] : ["trace", workload.sha256];
  const identity = [...what, paramsJson(task), policy, profile, sortedJson(profileValue), seed, engine];
  if (Object.keys(knobs).length > 0) identity.push(sortedJson(knobs));
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex");
}

/**
 * Every task of the plan, ordered by digest, each once. `engine`: the engine's version; `profileValue`: what a profile's name
 * stands for, since a file of that name may say something else on another day.
 */
export function tasksOf(plan: Plan, engine: string, profileValue: (name: string) => unknown): Task[] {
  const tasks = new Map<string, Task>();
  const values = new Map(plan.profiles.map((profile) => [profile, profileValue(profile)]));
  for (const workload of plan.workloads)
    for (const policy of plan.policies)
      for (const set of plan.knobs ?? [{}])
        for (const profile of plan.profiles)
          for (const seed of plan.seeds) {
            // What is of other policies changes nothing of this one: such tasks are the same.
            const task = { workload, policy, ...split(set, policy), profile, seed };
            const digest = taskDigest(task, values.get(profile), engine);
            tasks.set(digest, { ...task, samples: plan.samples, digest });
          }
  return [...tasks.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** A share of a plan: `index` of 0 to count - 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export const WHOLE: Shard = { index: 0, count: 1 };

/** Does the task belong to the shard? Decided by its digest alone. */
export function inShard(task: Pick<Task, "digest">, { index, count }: Shard): boolean {
  return Number.parseInt(task.digest.slice(0, 12), 16) % count === index;
}
