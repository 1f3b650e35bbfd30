/**
 * The answer to "would it help my service, and if not, why not?": runs of the same workload under a policy and under
 * the baseline, and what became of its releases, put into numbers and plain words.
 */

import {
  ALLOCATOR_SETTINGS,
  ALLOCATORS,
  type Allocator,
  type AllocatorSetting,
  type Obstacle,
} from "./allocator-settings.ts";
import { formatBytes, formatKb, formatPercent } from "./format.ts";
import { baselineOf, inPolicyOrder, type PolicyId } from "./policies.ts";
import { OUTCOME_LABELS, OUTCOMES, type Outcome, type Releases } from "./releases.ts";
import type { Params, RunStatus, RunSummary, Source } from "./types.ts";

/** VmPTE under the judged policy and under the baseline, and what is saved; kB. */
export interface Saving {
  readonly policy_kb: number;
  readonly baseline_kb: number;
  readonly saved_kb: number;
}

/** What a workload came to under a policy. */
export interface PolicyResult {
  readonly mode: PolicyId;
  readonly summary: RunSummary;
}

export interface OutcomeShare {
  readonly outcome: Outcome;
  readonly label: string;
  readonly calls: number;
  readonly bytes: number;
}

export interface Verdict {
  /** `yes`: a tenth of VmPTE or more is saved on average; `little`: something is; `no`: nothing is. */
  readonly helps: "yes" | "little" | "no";
  /** The policy that is judged, and what it is compared with. */
  readonly policy: PolicyId;
  readonly baseline: PolicyId;
  /** One sentence. */
  readonly headline: string;
  /** Why, a sentence each, the weightiest first. */
  readonly reasons: readonly string[];
  readonly vmpte: { readonly peak: Saving; readonly end: Saving; readonly average: Saving };
  readonly dontneed: { readonly calls: number; readonly bytes: number; readonly outcomes: readonly OutcomeShare[] };
  /** What would change it, for the allocators that were recognised; for all where none was. */
  readonly settings: readonly AllocatorSetting[];
  readonly allocators: readonly Allocator[];
}

function saving(policyKb: number, baselineKb: number): Saving {
  return {
    policy_kb: Math.round(policyKb),
    baseline_kb: Math.round(baselineKb),
    saved_kb: Math.round(baselineKb - policyKb),
  };
}

const percent = (part: number, whole: number): string => formatPercent(whole === 0 ? 0 : part / whole);

function calls(count: number): string {
  return count === 1 ? "1 call" : `${count.toLocaleString("en-US")} calls`;
}

const BECAUSE: Readonly<Record<Exclude<Outcome, "reclaimed" | "failed">, string>> = {
  huge_page: "lay in transparent huge pages, whose tables are freed on every kernel",
  split_vma: "covered tables that two mappings share, and a table goes only when one mapping has all of its 2 MiB",
  marker: "covered tables that hold a guard page or a userfaultfd marker, which must stay",
  below_2mib: "went in pieces smaller than the 2 MiB of a table, and such pieces never free one",
  unaligned: "lay outside whole, aligned 2 MiB: the pieces are long enough but begin and end inside tables",
  nothing_there: "covered tables that were not there (any more)",
};

/** Why DONTNEED calls freed nothing, the weightiest cause (by bytes) first. */
function declinedReasons(releases: Releases): string[] {
  const { dontneed, outcomes } = releases;
  return OUTCOMES.filter((outcome) => outcome !== "reclaimed" && outcome !== "failed")
    .filter((outcome) => outcomes[outcome].bytes > 0)
    .sort((a, b) => outcomes[b].bytes - outcomes[a].bytes)
    .filter((outcome, index) => index === 0 || outcomes[outcome].bytes >= dontneed.bytes / 100)
    .map((outcome) => {
      const { calls: count, bytes } = outcomes[outcome];
      const share = percent(bytes, dontneed.bytes);
      const amount = `${formatBytes(bytes)}${count > 0 ? `, ${calls(count)}` : ""}`;
      return `${share} of the memory given back by MADV_DONTNEED (${amount}) ${BECAUSE[outcome]}.`;
    });
}

function otherReasons(releases: Releases): string[] {
  const { otherAdvice, munmap, dontneed } = releases;
  const reasons: string[] = [];
  const { free } = otherAdvice;
  if (free.calls > 0 && free.bytes > dontneed.bytes / 10) {
    reasons.push(
      `${formatBytes(free.bytes)} (${calls(free.calls)}) were given back by MADV_FREE, which keeps every entry and so every table.`,
    );
  }
  if (dontneed.calls === 0) {
    if (munmap.calls > 0) {
      const amount = formatBytes(munmap.bytes);
      reasons.push(
        `It unmaps what it no longer needs (${amount}, ${calls(munmap.calls)}); that frees tables on every kernel.`,
      );
    } else if (free.calls === 0) reasons.push("It gives nothing back while it runs.");
  }
  return reasons;
}

function obstaclesOf(releases: Releases, helps: Verdict["helps"]): ReadonlySet<Obstacle> {
  const { dontneed, outcomes, otherAdvice } = releases;
  const found = new Set<Obstacle>();
  if (dontneed.calls === 0) found.add("never_released");
  if (outcomes.below_2mib.bytes + outcomes.unaligned.bytes > dontneed.bytes / 10) found.add("small_pieces");
  if (outcomes.split_vma.bytes > dontneed.bytes / 10) found.add("split_vma");
  if (otherAdvice.free.bytes > dontneed.bytes / 10) found.add("advice_free");
  if (helps === "yes") found.add("already_works");
  return found;
}

function headlineOf(helps: Verdict["helps"], peak: Saving, average: Saving, releases: Releases): string {
  if (helps === "yes") {
    const share = percent(average.saved_kb, average.baseline_kb);
    return `It would help: on average VmPTE is ${formatKb(average.policy_kb)} instead of ${formatKb(average.baseline_kb)} (${share} less), at its peak ${formatKb(peak.policy_kb)} instead of ${formatKb(peak.baseline_kb)}.`;
  }
  const because = mainCause(releases);
  if (helps === "little") {
    const saved =
      average.saved_kb > 0
        ? `${formatKb(average.saved_kb)} of ${formatKb(average.baseline_kb)} are saved`
        : "next to nothing is saved";
    return `It would help you little: on average ${saved}, because ${because}.`;
  }
  return `It would not help you: VmPTE is the same with and without (peak ${formatKb(peak.baseline_kb)}), because ${because}.`;
}

function mainCause(releases: Releases): string {
  const { dontneed, outcomes, otherAdvice, munmap } = releases;
  if (dontneed.calls === 0) {
    if (otherAdvice.free.calls > 0) return "the program gives memory back by MADV_FREE, which keeps its tables";
    if (munmap.calls > 0)
      return "the program never calls madvise(MADV_DONTNEED); it unmaps, which frees tables on every kernel";
    return "the program never gives memory back while it runs";
  }
  const declined = OUTCOMES.filter((outcome) => outcome !== "reclaimed" && outcome !== "failed");
  const [main] = declined.sort((a, b) => outcomes[b].bytes - outcomes[a].bytes);
  if (main === undefined || outcomes[main].bytes === 0) return "its tables are few beside the rest";
  return `${percent(outcomes[main].bytes, dontneed.bytes)} of what it gives back ${BECAUSE[main as keyof typeof BECAUSE]}`;
}

/**
 * The verdict on runs of one workload under several policies: what the first of them in the table's order that is not the
 * baseline would change against the baseline. Null where there are not both, or they did not count what it needs
 * (average and releases; those of the model do). `allocators`: those that the program was recognised to use.
 */
export function verdictOf(
  results: readonly PolicyResult[],
  baseline: PolicyId,
  allocators: readonly Allocator[] = [],
): Verdict | null {
  const [policy] = inPolicyOrder(results.map((result) => result.mode)).filter((mode) => mode !== baseline);
  const judged = results.find((result) => result.mode === policy)?.summary;
  const base = results.find((result) => result.mode === baseline)?.summary;
  if (policy === undefined || !judged?.releases || !base) return null;
  const { releases } = judged;
  if (judged.average_vmpte_kb === undefined || base.average_vmpte_kb === undefined) return null;
  const peak = saving(judged.peak.vmpte_kb, base.peak.vmpte_kb);
  const end = saving(judged.final.vmpte_kb, base.final.vmpte_kb);
  const average = saving(judged.average_vmpte_kb, base.average_vmpte_kb);
  const nothing = peak.saved_kb <= 0 && end.saved_kb <= 0 && average.saved_kb <= 0;
  const helps = nothing ? "no" : average.saved_kb >= average.baseline_kb / 10 ? "yes" : "little";
  const obstacles = obstaclesOf(releases, helps);
  const relevant = ALLOCATOR_SETTINGS.filter(({ obstacle }) => obstacles.has(obstacle));
  const own = relevant.filter(({ allocator }) => allocators.includes(allocator));
  return {
    helps,
    policy,
    baseline,
    headline: headlineOf(helps, peak, average, releases),
    reasons: [...declinedReasons(releases), ...otherReasons(releases)],
    vmpte: { peak, end, average },
    dontneed: {
      ...releases.dontneed,
      outcomes: OUTCOMES.map((outcome) => ({ outcome, label: OUTCOME_LABELS[outcome], ...releases.outcomes[outcome] })),
    },
    settings: allocators.length > 0 ? own : relevant,
    allocators,
  };
}

/** What a trace cannot tell: `hidden` lists calls with their numbers. */
function unseen(hidden: string): string {
  return `Not in these numbers: calls on memory that a trace does not name (${hidden}). What process_madvise gave back may have freed more tables; what a userfaultfd's handler filled in without a fault has tables of its own.`;
}

/** What the verdict is read from, of an experiment as it is stored. */
export interface JudgedExperiment {
  readonly workloadKind: "preset" | "file";
  readonly params: Params;
  readonly runs: readonly {
    readonly source: Source;
    readonly mode: PolicyId;
    readonly status: RunStatus;
    readonly summary: RunSummary | null;
  }[];
}

/** The verdict on a traced program; null for a preset, and before the baseline and another policy have run to their end. */
export function verdictOn({ workloadKind, params, runs }: JudgedExperiment, chosen?: PolicyId): Verdict | null {
  if (workloadKind !== "file") return null;
  const results = runs.flatMap(({ source, mode, status, summary }) =>
    source === "model" && status === "done" && summary ? [{ mode, summary }] : [],
  );
  const baseline = chosen ?? baselineOf(results.map((result) => result.mode));
  if (baseline === undefined) return null;
  const names = String(params.allocators ?? "").split(",");
  const verdict = verdictOf(
    results,
    baseline,
    ALLOCATORS.filter((each) => names.includes(each)),
  );
  const hidden = params.hidden_calls;
  if (verdict === null || typeof hidden !== "string") return verdict;
  return { ...verdict, reasons: [...verdict.reasons, unseen(hidden)] };
}
