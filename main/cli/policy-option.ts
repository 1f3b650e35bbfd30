/** Policies as they are named on the command line. */
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

/** `both`, or policies with commas between; each once, in the table's order. */
function policiesNamed(text: string): PolicyId[] {
  if (text.trim() === "both") return [...DEFAULT_POLICIES];
  return inPolicyOrder(text.split(",").map(policyNamed));
}

const SHORT = `both = ${DEFAULT_POLICIES.join(",")}`;

/** `--mode` of what runs under several policies. */
export function modesOption(): Option {
  return new Option("--mode <policies>", `the policies: ${POLICY_IDS.join(", ")}, with commas between; ${SHORT}`)
    .argParser(policiesNamed)
    .default([...DEFAULT_POLICIES], "both");
}

/** `--mode` of what is modelled under one policy: the usual one where none is named, or what is said instead. */
export function modeOption(otherwise?: string): Option {
  const words = `the policy that is modelled: ${POLICY_IDS.join(", ")}`;
  if (otherwise !== undefined)
    return new Option("--mode <policy>", `${words} (${otherwise} where absent)`).argParser(policyNamed);
  return new Option("--mode <policy>", words).argParser(policyNamed).default(SERIES_POLICY);
}

/** Throws BadInputError where nothing runs under the policy that the others are to be compared with. */
export function requireBaselineAmong(
  baseline: PolicyId | undefined,
  policies: readonly PolicyId[],
  what: string,
): void {
  if (baseline === undefined || policies.includes(baseline)) return;
  throw new BadInputError(`There is no run under ${baseline} to compare with`, {
    where: "--baseline",
    why: `${what}: ${policies.join(", ")}`,
    todo: `Name one of these, or leave it out: compared is with ${DEFAULT_BASELINE} where it is there`,
  });
}

/** The same of a stored experiment. */
export function requireBaseline(baseline: PolicyId | undefined, { id, runs }: Pick<Experiment, "id" | "runs">): void {
  requireBaselineAmong(baseline, inPolicyOrder(runs.map((run) => run.mode)), `experiment ${id} has`);
}

/** What the others are compared with. */
export function baselineOption(): Option {
  return new Option(
    "--baseline <policy>",
    `the policy that the others are compared with (${DEFAULT_BASELINE} where it is there)`,
  ).argParser(policyNamed);
}
