/** Policies as the window shows them: in the colours of its theme, compared with the baseline that the user chose. */
import { policyColor } from "../../chart/policy-style.ts";
import { isPolicyId, type PolicyId } from "../../engine/experiment/policies.ts";
import { settings } from "./settings.svelte.ts";

export const colorOf = (id: PolicyId): string => policyColor(id, settings.dark ? "dark" : "light");

/** What the others are compared with; undefined: the default. */
export function chosenBaseline(): PolicyId | undefined {
  const { baseline } = settings.remembered;
  return isPolicyId(baseline) ? baseline : undefined;
}
