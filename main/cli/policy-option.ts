/** Policies as they are named on the command line. */
import { InvalidArgumentError, Option } from "commander";
import {
  DEFAULT_POLICIES,
  inPolicyOrder,
  isPolicyId,
  POLICY_IDS,
  type PolicyId,
  SERIES_POLICY,
} from "../../engine/experiment/policies.ts";

function policyNamed(text: string): PolicyId {
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

/** What the others are compared with. */
export function baselineOption(): Option {
  return new Option("--baseline <policy>", "the policy that the others are compared with").argParser(policyNamed);
}
