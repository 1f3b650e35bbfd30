/**
 * The policies: when an empty PTE table is freed, and who pays for it. One row each; a run's mode is a policy's id. Plain data and
 * pure functions, so that the window may import this file.
 */
import { NO_RECLAIM, patchesWithout, type ReclaimFeatures, SYNC_RECLAIM } from "../mm/features.ts";
import { PAGE_SIZE, PMD_PAGES } from "../mm/geometry.ts";
import type { ParamSpec } from "./param-spec.ts";

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
  /** What of it can be set, checked as a preset's parameters are; knobs.ts says what becomes of it. */
  readonly knobs: readonly ParamSpec[];
  /** What it switches on in the engine, with these values of its numbers; each has one. */
  readonly features: (knobs: Readonly<Record<string, number>>) => ReclaimFeatures;
  /** Can a running kernel be measured under it? The others were posted, and are in no release. */
  readonly measured: boolean;
  /** Raised when the rule or its default knobs change, so that a stored run says which it was made under. */
  readonly version: number;
}

/** The series' kernel, with another rule than the series' for empty tables. */
const OTHER_RULE: ReclaimFeatures = { ...NO_RECLAIM, patches: patchesWithout("9") };

const NS_PER_MS = 1_000_000;

/** Of every policy that looks at a table's entries before it frees it. */
const ZERO_TABLES = {
  name: "zero_tables",
  label: "Zero tables",
  description: "Does a table whose entries all map the shared zero page count as empty? (RFC of August 2022)",
  type: "choice",
  choices: [
    { value: "no", label: "no" },
    { value: "yes", label: "yes, as empty" },
  ],
  default: "no",
} as const satisfies ParamSpec;

export const POLICIES = [
  {
    id: "none",
    word: "no reclaim",
    phrase: "without reclaim",
    rule: "never by its content",
    payer: "nobody",
    source: "Linux before 6.14, and any Linux without CONFIG_PT_RECLAIM",
    knobs: [],
    features: () => NO_RECLAIM,
    measured: true,
    version: 1,
  },
  {
    id: "sync",
    word: "sync reclaim",
    phrase: "with sync reclaim",
    rule: "after MADV_DONTNEED of its whole 2 MiB within one VMA, if no entry had to stay",
    payer: "the caller, within the zap",
    source: "Linux 6.14 (CONFIG_PT_RECLAIM): synchronously scan and reclaim empty user PTE pages, v4, December 2024",
    knobs: [],
    features: () => SYNC_RECLAIM,
    measured: true,
    version: 1,
  },
  {
    id: "eager",
    word: "eager sync",
    phrase: "with eager sync",
    rule: "after MADV_DONTNEED of any part of it that leaves all 512 entries none, even if another VMA has a part of it",
    payer: "the caller: a check of up to 512 entries for each part below 2 MiB that kept no entry",
    source: "a what-if: the series without the condition end - addr >= PMD_SIZE of reclaim_pt_is_enabled()",
    knobs: [ZERO_TABLES],
    features: () => ({ ...SYNC_RECLAIM, reclaimPages: 1 }),
    measured: false,
    version: 1,
  },
  {
    id: "refcount",
    word: "reference count",
    phrase: "with a reference count",
    rule: "as soon as its last entry is cleared, on every path; no table is ever kept empty",
    payer: "every path that maps a table, or sets or clears entries: an atomic operation each time it locks one",
    source: "Qi Zheng: Free user PTE page table pages, November 2021 (an atomic count) and April 2022 (percpu_ref)",
    knobs: [],
    features: () => ({ ...OTHER_RULE, refcount: true }),
    measured: false,
    version: 1,
  },
  {
    id: "async",
    word: "background scan",
    phrase: "with a background scan",
    rule: "at a scan: every empty table whose 2 MiB lie in one VMA, hugetlb and uffd-wp VMAs left out",
    payer: "the tasks themselves on their way back to user space, holding the mmap lock for reading",
    source: "Qi Zheng: asynchronously scan and free empty user PTE pages, RFC, June 2024 (cover.1718267194)",
    knobs: [
      {
        name: "scan_interval",
        label: "Scan interval",
        description: "Minimum simulated time between two scans; a scan runs when a task next returns to user space.",
        type: "ms",
        min: 1,
        max: 3_600_000,
        default: 100,
      },
      {
        name: "scan_size",
        label: "Scan size",
        description:
          "How much mapped address space one scan covers. The next scan continues from there and wraps around.",
        type: "bytes",
        min: PMD_PAGES * PAGE_SIZE,
        max: 2 ** 47,
        default: 2 ** 28,
        multipleOf: PMD_PAGES * PAGE_SIZE,
      },
      ZERO_TABLES,
    ],
    features: (knobs) => ({
      ...OTHER_RULE,
      scan: { intervalNs: knobs.scan_interval * NS_PER_MS, pages: knobs.scan_size / PAGE_SIZE },
    }),
    measured: false,
    version: 1,
  },
  {
    id: "demand",
    word: "MADV_PT_RECLAIM",
    phrase: "with MADV_PT_RECLAIM",
    rule: "when the program asks: every empty table whose 2 MiB lie in the range it names and in one VMA",
    payer: "the caller of the advice",
    source: "David Hildenbrand's proposal in the thread of the RFC of June 2024",
    knobs: [
      {
        name: "demand_interval",
        label: "Demand interval",
        description:
          "Simulated time after which the lab asks again on the program's behalf, for everything it has mapped.",
        type: "ms",
        min: 1,
        max: 3_600_000,
        default: 1_000,
      },
      ZERO_TABLES,
    ],
    features: (knobs) => ({ ...OTHER_RULE, ask: { intervalNs: knobs.demand_interval * NS_PER_MS } }),
    measured: false,
    version: 1,
  },
] as const satisfies readonly Policy[];

export type PolicyId = (typeof POLICIES)[number]["id"];

/** The policies that a running kernel can be measured under. */
export type MeasuredPolicyId = Extract<(typeof POLICIES)[number], { readonly measured: true }>["id"];

export function isMeasured(id: PolicyId): id is MeasuredPolicyId {
  return policyOf(id).measured;
}

/** The ids, in the table's order. */
export const POLICY_IDS: readonly PolicyId[] = POLICIES.map((policy) => policy.id);

/** Is there a policy of this name? */
export function isPolicyId(text: string): text is PolicyId {
  return POLICIES.some((policy) => policy.id === text);
}

/** The default baseline of comparisons: the kernel without the series. */
export const DEFAULT_BASELINE: PolicyId = "none";

/** What a kernel of today does: Linux 6.14 and later with CONFIG_PT_RECLAIM. */
export const SERIES_POLICY: PolicyId = "sync";

/** The default policies, also called `both`: no reclaim and sync reclaim. */
export const DEFAULT_POLICIES: readonly PolicyId[] = [DEFAULT_BASELINE, SERIES_POLICY];

/** The policies that a running kernel can be measured under: unchanged, and kept from reclaiming by small chunks. */
export const MEASURED_POLICIES: readonly MeasuredPolicyId[] = POLICY_IDS.filter(isMeasured);

/** Policies each once, in the table's order. */
export function inPolicyOrder(ids: Iterable<PolicyId>): PolicyId[] {
  const wanted = new Set(ids);
  return POLICY_IDS.filter((id) => wanted.has(id));
}

/** The default baseline among these: the default one if present, else the first of the table. */
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
  const usual = policy.knobs.flatMap((knob) => (knob.type === "choice" ? [] : [[knob.name, knob.default] as const]));
  return policy.features({ ...Object.fromEntries(usual), ...knobs });
}
