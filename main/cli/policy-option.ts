/** Policies on the command line. */
import { InvalidArgumentError, Option } from "commander";
import { BadInputError } from "../../engine/error.ts";
import {
  DEFAULT_BASELINE,
  DEFAULT_POLICIES,
  inPolicyOrder,
  isPolicyId,
  POLICY_IDS,
  type PolicyId,
  SERIES_POLICY,
} from "../../engine/experiment/policies.ts";
import type { Experiment } from "../contract.ts";

export function policyNamed(text: string): PolicyId {
  const name = text.trim();
  if (isPolicyId(name)) return name;
  throw new InvalidArgumentError(
    `There is no policy "${name.slice(0, 60)}"; the policies are ${POLICY_IDS.join(", ")}.`,
  );
}

/** `both`, or policies separated by commas; each once, in the table's order. */
function policiesNamed(text: string): PolicyId[] {
  if (text.trim() === "both") return [...DEFAULT_POLICIES];
  return inPolicyOrder(text.split(",").map(policyNamed));
}

const SHORT = `both = ${DEFAULT_POLICIES.join(",")}`;

/** `--mode` of commands that run under several policies. */
export function modesOption(): Option {
  return new Option("--mode <policies>", `the policies: ${POLICY_IDS.join(", ")}, separated by commas; ${SHORT}`)
    .argParser(policiesNamed)
    .default([...DEFAULT_POLICIES], "both");
}

/** `--mode` of commands that model one policy. `otherwise`: the default in words (default: the series' policy). */
export function modeOption(otherwise?: string): Option {
  const words = `the policy to model: ${POLICY_IDS.join(", ")}`;
  if (otherwise !== undefined)
    return new Option("--mode <policy>", `${words} (default: ${otherwise})`).argParser(policyNamed);
  return new Option("--mode <policy>", words).argParser(policyNamed).default(SERIES_POLICY);
}

/** Throws BadInputError if nothing runs under the baseline policy. */
export function requireBaselineAmong(
  baseline: PolicyId | undefined,
  policies: readonly PolicyId[],
  what: string,
): void {
  if (baseline === undefined || policies.includes(baseline)) return;
  throw new BadInputError(`There is no run under ${baseline} to compare with`, {
    where: "--baseline",
    why: `${what}: ${policies.join(", ")}`,
    todo: `Name one of these, or omit it: the default is ${DEFAULT_BASELINE} if it is among them`,
  });
}

/** The same for a stored experiment. */
export function requireBaseline(baseline: PolicyId | undefined, { id, runs }: Pick<Experiment, "id" | "runs">): void {
  requireBaselineAmong(baseline, inPolicyOrder(runs.map((run) => run.mode)), `experiment ${id} has`);
}

/** The baseline of comparisons. `otherwise`: what it is by default, in words. */
export function baselineOption(otherwise = `${DEFAULT_BASELINE} if it ran`): Option {
  const words = `the policy that the others are compared with (default: ${otherwise})`;
  return new Option("--baseline <policy>", words).argParser(policyNamed);
}
