/** What a plan may name: policies and kernel profiles. */
import { isPolicyId, POLICY_IDS } from "../../engine/experiment/policies.ts";
import { describeChoices } from "./choices.ts";
import type { Known } from "./plan.ts";

const refused = (what: string, name: string, names: readonly string[]) =>
  `there is no ${what} "${name.slice(0, 60)}"; ${describeChoices(names)}`;

export const KNOWN: Known = {
  policy: (name) => (isPolicyId(name) ? null : refused("policy", name, POLICY_IDS)),
  profile: (name) => (name === "reference" ? null : refused("profile", name, ["reference"])),
};

/** The profile that a name stands for. */
export function profileValue(name: string): unknown {
  return name;
}
