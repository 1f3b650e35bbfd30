import { KERNEL_SWITCHES, knobsUnder, policyKnobs } from "../../engine/experiment/knobs.ts";
import { formatParam, type ParamSpec, validateParams } from "../../engine/experiment/params.ts";
import { DEFAULT_POLICIES, inPolicyOrder, POLICY_IDS, type PolicyId } from "../../engine/experiment/policies.ts";
import type { Params, ParamValue } from "../../engine/experiment/types.ts";

/** The policies that something is to run under, and what is typed of their knobs and of the modelled kernel's switches. */
export class PolicyChoice {
  /** In the table's order; at least one. */
  policies = $state.raw<readonly PolicyId[]>(DEFAULT_POLICIES);
  /** Is the kernel modelled in every run? A running one has no switches. */
  modelled = $state(true);
  texts = $state<Record<string, string>>(
    Object.fromEntries(knobsUnder(POLICY_IDS).map((spec) => [spec.name, formatParam(spec, spec.default)])),
  );

  /** As runs that were made have it. */
  take(policies: readonly PolicyId[], params: Params): void {
    this.policies = inPolicyOrder(policies);
    for (const spec of knobsUnder(POLICY_IDS))
      if (spec.name in params) this.texts[spec.name] = formatParam(spec, params[spec.name]);
  }

  /** Adds a policy or takes it away; the last one stays. */
  toggle(policy: PolicyId): void {
    const others = this.policies.filter((id) => id !== policy);
    if (others.length === this.policies.length) this.policies = inPolicyOrder([...others, policy]);
    else if (others.length > 0) this.policies = others;
  }

  knobs = $derived(policyKnobs(this.policies));
  switches = $derived<readonly ParamSpec[]>(this.modelled ? KERNEL_SWITCHES : []);
  all = $derived<readonly ParamSpec[]>([...this.knobs, ...this.switches]);

  #checked = $derived(
    validateParams(this.all, Object.fromEntries(this.all.map(({ name }) => [name, this.texts[name] ?? ""]))),
  );

  /** By name: why what is typed cannot be. */
  problems = $derived<Readonly<Record<string, string>>>(
    this.#checked.ok ? {} : Object.fromEntries(this.#checked.problems.map(({ name, reason }) => [name, reason])),
  );

  /** Those that are not as they come. */
  set(): Record<string, ParamValue> {
    if (!this.#checked.ok) return {};
    const { params } = this.#checked;
    const changed = this.all.filter((spec) => params[spec.name] !== spec.default);
    return Object.fromEntries(changed.map(({ name }) => [name, params[name]]));
  }

  /** Is a switch of the kernel not as it comes? */
  get switched(): boolean {
    return this.switches.some((spec) => this.texts[spec.name] !== formatParam(spec, spec.default));
  }
}
