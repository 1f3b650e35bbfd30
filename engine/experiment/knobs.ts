/**
 * What can be set beside a workload: the knobs of the policies that it runs under, and switches of the modelled kernel. They are
 * written, checked and kept as a preset's parameters are, and never have a parameter's name. Pure, so that the window may import it.
 */
import type { KernelOptions } from "../mm/config.ts";
import type { KernelProfile } from "../mm/kernel-profile.ts";
import { type ParamProblem, type ParamSpec, type ParamsResult, validateParams } from "./params.ts";
import { featuresOf, POLICY_IDS, type PolicyId, policyOf } from "./policies.ts";
import type { Params, ParamValue } from "./types.ts";

/** Of the modelled kernel, whatever the policy. A running kernel is measured as it is. */
export const KERNEL_SWITCHES = [
  {
    name: "thp_deposit",
    label: "Deposited tables",
    description:
      "What is deposited under an anonymous huge page for a later split: a PTE table, or nothing until the split (series of March 2026).",
    type: "choice",
    choices: [
      { value: "kernel", label: "as in the kernel's profile" },
      { value: "table", label: "a table" },
      { value: "split", label: "nothing before the split" },
    ],
    default: "kernel",
  },
  {
    name: "resched",
    label: "Rescheduling",
    description: "How often need_resched() is true when the zap checks it, and interrupts the zap.",
    type: "percent",
    min: 0,
    max: 99,
    default: 0,
  },
  {
    name: "batch_fail",
    label: "Failing batches",
    description: "How often no page can be allocated for a batch of tables, so that each table is freed alone.",
    type: "percent",
    min: 0,
    max: 100,
    default: 0,
  },
] as const satisfies readonly ParamSpec[];

function eachOnce(specs: readonly ParamSpec[]): ParamSpec[] {
  return [...new Map(specs.map((spec) => [spec.name, spec])).values()];
}

/** The knobs of these policies, each once, in the table's order. */
export function policyKnobs(policies: readonly PolicyId[]): ParamSpec[] {
  return eachOnce(policies.flatMap((id) => policyOf(id).knobs));
}

/** All that can be set under these policies. */
export function knobsUnder(policies: readonly PolicyId[]): ParamSpec[] {
  return [...policyKnobs(policies), ...KERNEL_SWITCHES];
}

const ALL: ReadonlyMap<string, ParamSpec> = new Map(knobsUnder(POLICY_IDS).map((spec) => [spec.name, spec]));

/** The knob or switch of that name, of whatever policy. */
export function knobNamed(name: string): ParamSpec | undefined {
  return ALL.get(name);
}

/** A parameter by its name: of the preset, or one that can be set beside it. */
export function paramNamed(specs: readonly ParamSpec[], name: string): ParamSpec | undefined {
  return specs.find((spec) => spec.name === name) ?? knobNamed(name);
}

/** A workload's own parameters, and what was set beside them. */
export function withoutKnobs(params: Params): { readonly own: Params; readonly knobs: Params } {
  const split = Map.groupBy(Object.entries(params), ([name]) => knobNamed(name) !== undefined);
  return { own: Object.fromEntries(split.get(false) ?? []), knobs: Object.fromEntries(split.get(true) ?? []) };
}

/** "async", "eager, async and demand": the policies that have a knob. */
function ownersOf(name: string): string {
  const owners = POLICY_IDS.filter((id) => policyOf(id).knobs.some((knob) => knob.name === name));
  return owners.length === 1 ? owners[0] : `${owners.slice(0, -1).join(", ")} and ${owners.at(-1)}`;
}

function problemOf(name: string, policies: readonly PolicyId[]): ParamProblem | null {
  if (knobNamed(name) === undefined) {
    const possible = knobsUnder(policies).map((spec) => spec.name);
    return {
      name: name.slice(0, 60),
      reason: `there is no such knob; under ${policies} choose from ${possible.join(", ")}`,
    };
  }
  if (knobsUnder(policies).some((spec) => spec.name === name)) return null;
  return {
    name,
    reason: `it belongs to ${ownersOf(name)}; the policies here are ${policies.join(", ")}, so it would have no effect`,
  };
}

/**
 * Checks what is set beside a workload, as it was typed or sent. What comes of it is kept with the runs: every number of their
 * policies, so that a later default changes no stored run, and each switch that was set.
 */
export function checkKnobs(given: Readonly<Record<string, unknown>>, policies: readonly PolicyId[]): ParamsResult {
  const problems = Object.keys(given).flatMap((name) => problemOf(name, policies) ?? []);
  if (problems.length > 0) return { ok: false, problems };
  const checked = validateParams(knobsUnder(policies), given);
  if (!checked.ok) return checked;
  const numbers = policyKnobs(policies).flatMap(({ name, type }) => (type === "choice" ? [] : name));
  const kept = [...new Set([...numbers, ...Object.keys(given)])];
  return { ok: true, params: Object.fromEntries(kept.map((name) => [name, checked.params[name]])) };
}

const share = (percent: ParamValue | undefined): number => (typeof percent === "number" ? percent / 100 : 0);

/** What a kernel under a policy is made with, as `params` have it set; what is not in them is as it comes. */
export function kernelUnder(
  mode: PolicyId,
  params: Params,
): Required<Pick<KernelOptions, "features" | "zeroTables" | "reschedRate" | "batchFailRate">> {
  const { knobs } = policyOf(mode);
  const set = knobs.flatMap(({ name }) => (Object.hasOwn(params, name) ? [[name, params[name]] as const] : []));
  const numbers = set.filter((entry): entry is readonly [string, number] => typeof entry[1] === "number");
  return {
    features: featuresOf(mode, Object.fromEntries(numbers)),
    zeroTables: set.some(([name, value]) => name === "zero_tables" && value === "yes"),
    reschedRate: share(params.resched),
    batchFailRate: share(params.batch_fail),
  };
}

/** The kernel that is modelled, as `thp_deposit` has it; another one's name says so. */
export function profileUnder(profile: KernelProfile, params: Params): KernelProfile {
  const { thp_deposit: deposit = "kernel" } = params;
  if (deposit === "kernel" || profile.depositedTables === (deposit === "table")) return profile;
  return { ...profile, name: `${profile.name}, thp_deposit=${deposit}`, depositedTables: deposit === "table" };
}

/** Switches that are set to something else than a running kernel has. */
export function switchesSet(params: Params): string[] {
  return KERNEL_SWITCHES.filter(({ name, default: usual }) => (params[name] ?? usual) !== usual).map(
    ({ name }) => name,
  );
}
