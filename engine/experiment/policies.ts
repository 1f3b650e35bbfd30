/**
 * The policies: when an empty PTE table is freed, and who pays for it. One row each; a run's mode is a policy's id. Plain data and
 * pure functions, so that the window may import this file.
 */
import { ALL_PATCHES, NO_PATCHES, type ReclaimFeatures } from "../mm/features.ts";

/** A number of a policy that can be set; checked as a preset's parameters are (params.ts). */
export interface PolicyKnob {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: "bytes" | "ms";
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** The value must be a multiple of this. */
  readonly multipleOf?: number;
}

export interface Policy {
  /** Its name on the command line, in files and in the history. */
  readonly id: string;
  /** Its name in a table or beside a line of a chart. */
  readonly word: string;
  /** After a verb: "VmPTE ends at 240 kB with sync reclaim". */
  readonly phrase: string;
  /** When an empty table goes. */
  readonly rule: string;
  /** Who pays for it. */
  readonly payer: string;
  /** Where the rule comes from. */
  readonly source: string;
  /** What of it can be set. */
  readonly knobs: readonly PolicyKnob[];
  /** What it switches on in the engine, with these values of its knobs; every knob has one. */
  readonly features: (knobs: Readonly<Record<string, number>>) => ReclaimFeatures;
  /** Raised when the rule or its default knobs change, so that a stored run says which it was made under. */
  readonly version: number;
}

export const POLICIES = [
  {
    id: "none",
    word: "no reclaim",
    phrase: "without reclaim",
    rule: "never by its content",
    payer: "nobody",
    source: "Linux before 6.14, and any Linux without CONFIG_PT_RECLAIM",
    knobs: [],
    features: () => ({ patches: NO_PATCHES }),
    version: 1,
  },
  {
    id: "sync",
    word: "sync reclaim",
    phrase: "with sync reclaim",
    rule: "after MADV_DONTNEED of its whole 2 MiB within one VMA, where no entry had to stay",
    payer: "the caller, within the zap",
    source: "Linux 6.14 (CONFIG_PT_RECLAIM): synchronously scan and reclaim empty user PTE pages, v4, December 2024",
    knobs: [],
    features: () => ({ patches: ALL_PATCHES }),
    version: 1,
  },
] as const satisfies readonly Policy[];

export type PolicyId = (typeof POLICIES)[number]["id"];

/** The ids, in the table's order. */
export const POLICY_IDS: readonly PolicyId[] = POLICIES.map((policy) => policy.id);

/** Is there a policy of this name? */
export function isPolicyId(text: string): text is PolicyId {
  return POLICIES.some((policy) => policy.id === text);
}

/** What the others are compared with where nobody chooses: the kernel without the series. */
export const DEFAULT_BASELINE: PolicyId = "none";

/** What runs where nobody chooses, and what the short name `both` stands for: with the series and without it. */
export const DEFAULT_POLICIES: readonly PolicyId[] = ["none", "sync"];

/** Policies each once, in the table's order. */
export function inPolicyOrder(ids: Iterable<PolicyId>): PolicyId[] {
  const wanted = new Set(ids);
  return POLICY_IDS.filter((id) => wanted.has(id));
}

/** What the others of these are compared with where nobody chooses: the default baseline where it is there, else the first of the table. */
export function baselineOf(ids: Iterable<PolicyId>): PolicyId | undefined {
  const there = inPolicyOrder(ids);
  return there.includes(DEFAULT_BASELINE) ? DEFAULT_BASELINE : there[0];
}

/** The row of a policy. */
export function policyOf(id: PolicyId): Policy {
  const found = POLICIES.find((policy) => policy.id === id);
  if (found === undefined) throw new RangeError(`there is no policy ${id}`);
  return found;
}

/** What a policy switches on in the engine; knobs that are not given have their defaults. */
export function featuresOf(id: PolicyId, knobs: Readonly<Record<string, number>> = {}): ReclaimFeatures {
  const policy = policyOf(id);
  return policy.features({ ...Object.fromEntries(policy.knobs.map((knob) => [knob.name, knob.default])), ...knobs });
}
