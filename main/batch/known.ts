/** What a plan may name: policies and kernel profiles. */
import { isPolicyId, POLICY_IDS } from "../../engine/experiment/policies.ts";
import type { KernelProfile } from "../../engine/mm/kernel-profile.ts";
import { KERNEL_PROFILES, REFERENCE_PROFILE } from "../../engine/mm/kernel-profiles.ts";
import { describeChoices } from "./choices.ts";
import type { Known } from "./plan.ts";

const refused = (what: string, name: string, names: readonly string[]) =>
  `there is no ${what} "${name.slice(0, 60)}"; ${describeChoices(names)}`;

export const KNOWN: Known = {
  policy: (name) => (isPolicyId(name) ? null : refused("policy", name, POLICY_IDS)),
  profile: (name) => (KERNEL_PROFILES.has(name) ? null : refused("profile", name, [...KERNEL_PROFILES.keys()])),
};

/** The profile that a name stands for. */
export function profileValue(name: string): KernelProfile {
  return KERNEL_PROFILES.get(name) ?? REFERENCE_PROFILE;
}
