/**
 * The answer to "would it help my service, and if not, why not?": two runs of one workload, under a policy and without it, by
 * the program's own clock, and what became of its releases, put into numbers and plain words.
 */

import { TABLE_KB } from "../workload/sizes.ts";
import {
  ALLOCATORS,
  type Allocator,
  type AllocatorSetting,
  type Obstacle,
  settingsAgainst,
  TRIAL_SETTINGS,
  type TrialSetting,
} from "./allocator-settings.ts";
import { formatBytes, formatCount, formatDuration, formatKb, formatNumberOf, formatPercent } from "./format.ts";
import { baselineOf, DEFAULT_BASELINE, inPolicyOrder, type PolicyId, policyOf } from "./policies.ts";
import { type CallsAndBytes, OUTCOME_LABELS, OUTCOMES, type Outcome, type Releases } from "./releases.ts";
import type { Params, RunStatus, RunSummary, Source } from "./types.ts";

/** VmPTE under the policy and under the baseline, and what is saved; kB. */
export interface Saving {
  readonly policy_kb: number;
  readonly baseline_kb: number;
  readonly saved_kb: number;
}

export interface OutcomeShare {
  readonly outcome: Outcome;
  readonly label: string;
  readonly calls: number;
  readonly bytes: number;
}

export interface Verdict {
  /** `yes`: a tenth of VmPTE or more is saved, on average or in the end; `little`: something is; `no`: nothing is. */
  readonly helps: "yes" | "little" | "no";
  /** What is compared: the run's policy, and the one that it is held against. */
  readonly policy: PolicyId;
  readonly baseline: PolicyId;
  /** One sentence. */
  readonly headline: string;
  /** Why, a sentence each, the weightiest first. */
  readonly reasons: readonly string[];
  /** How long the program ran, in ns; null: averages are over operations, for want of a clock. */
  readonly program_ns: number | null;
  /** `steady`: from the last MADV_DONTNEED to the end, or the last tenth where that is shorter. */
  readonly vmpte: {
    readonly peak: Saving;
    readonly average: Saving;
    readonly steady: Saving;
    readonly end: Saving;
  };
  readonly steady: { readonly share: number; readonly after_release: boolean };
  readonly dontneed: { readonly calls: number; readonly bytes: number; readonly outcomes: readonly OutcomeShare[] };
  /** What was seen to change it, for the allocators that the calls came from. */
  readonly settings: readonly Omit<AllocatorSetting, "program">[];
  readonly allocators: readonly Allocator[];
  /** What only a trial can tell, and the command for it; null where nothing is worth one. */
  readonly trial: { readonly command: string; readonly settings: readonly TrialSetting[] } | null;
}

/** What a workload came to under a policy. */
export interface PolicyResult {
  readonly mode: PolicyId;
  readonly summary: RunSummary;
}

/** What is known of the program besides its runs. */
export interface Program {
  /** Those that it was recognised to use. */
  readonly allocators: readonly Allocator[];
  /** Its name, that of its first thread. */
  readonly name?: string;
  /** How it was started, quoted for a shell. */
  readonly command?: string;
  /** Recorded without page faults: what is saved is an estimate. */
  readonly light?: boolean;
}

const percent = (part: number, whole: number): string => formatPercent(whole === 0 ? 0 : part / whole);
const calls = (count: number): string => formatNumberOf(count, "call");

const BECAUSE: Readonly<Record<Exclude<Outcome, "reclaimed" | "failed">, string>> = {
  huge_page: "is in transparent huge pages, whose tables are freed on every kernel",
  split_vma: "covers tables that two mappings share, and a table is freed only when one mapping has all of its 2 MiB",
  marker: "covers tables that hold a guard page or a userfaultfd marker, which must stay",
  below_table: "is in chunks smaller than the 2 MiB of a table, and such chunks never free one",
  unaligned: "is outside whole, aligned 2 MiB: the chunks are long enough but begin or end inside tables",
  nothing_there: "covers tables that do not exist (any more)",
};

/** munmap, MAP_FIXED and mremap: free_pgtables() goes as far as the neighbours of what is unmapped. */
const UNMAPPING = "a table goes once nothing is mapped in its 2 MiB, on every kernel";

/** From this share of VmPTE on it helps. */
const HELPS_SHARE = 0.1;

function saving(policyKb: number, baselineKb: number): Saving {
  return {
    policy_kb: Math.round(policyKb),
    baseline_kb: Math.round(baselineKb),
    saved_kb: Math.round(baselineKb - policyKb),
  };
}

/** What a table's column "saved" says: "64 MiB (77.1 %)", "nothing", "8 MiB more (12.5 %)". */
export function savedText({ saved_kb, baseline_kb }: Saving): string {
  if (saved_kb === 0) return "nothing";
  const much = `${formatKb(Math.abs(saved_kb))}${saved_kb > 0 ? "" : " more"}`;
  return baseline_kb > 0 ? `${much} (${percent(Math.abs(saved_kb), baseline_kb)})` : much;
}

function helpsBy({ saved_kb, baseline_kb }: Saving): boolean {
  return saved_kb > 0 && saved_kb >= baseline_kb * HELPS_SHARE;
}

function declined(releases: Releases): (keyof typeof BECAUSE)[] {
  const { outcomes } = releases;
  return OUTCOMES.filter((outcome) => outcome !== "reclaimed" && outcome !== "failed")
    .filter((outcome) => outcomes[outcome].bytes > 0)
    .sort((a, b) => outcomes[b].bytes - outcomes[a].bytes);
}

/** Empty tables that the policy leaves, as a share of all that there are without it: the larger of all the time and the end. */
function leftShare(policy: RunSummary, baseline: RunSummary): number {
  const share = (empty: number | undefined, kb: number | undefined): number =>
    kb ? ((empty ?? 0) * TABLE_KB) / kb : 0;
  return Math.max(
    share(policy.average_empty_pte_tables, baseline.average_vmpte_kb),
    share(policy.steady?.average_empty_pte_tables, baseline.steady?.average_vmpte_kb),
  );
}

/** Why DONTNEED calls left empty tables, the weightiest cause (by bytes) first. */
function declinedReasons(releases: Releases): string[] {
  const { dontneed, outcomes } = releases;
  return declined(releases)
    .filter((outcome, index) => index === 0 || outcomes[outcome].bytes >= dontneed.bytes / 100)
    .map((outcome) => {
      const { calls: count, bytes } = outcomes[outcome];
      const share = percent(bytes, dontneed.bytes);
      const amount = `${formatBytes(bytes)}${count > 0 ? `, ${calls(count)}` : ""}`;
      return `${share} of the memory released by MADV_DONTNEED (${amount}) ${BECAUSE[outcome]}.`;
    });
}

/** Is it little beside the memory that the program uses? The loader of every program unmaps a file or two. */
function isLittle(bytes: number, baseline: RunSummary): boolean {
  return bytes < (baseline.peak.rss_kb * 1024) / 10;
}

function otherReasons(releases: Releases, baseline: RunSummary): string[] {
  const { otherAdvice, munmap, dontneed } = releases;
  const reasons: string[] = [];
  const { free, remove } = otherAdvice;
  const amount = ({ calls: count, bytes }: CallsAndBytes): string => `${formatBytes(bytes)} (${calls(count)})`;
  if (free.calls > 0 && free.bytes > dontneed.bytes / 10)
    reasons.push(`${amount(free)} were released by MADV_FREE, which keeps every entry and so every table.`);
  if (remove.calls > 0 && remove.bytes > dontneed.bytes / 10)
    reasons.push(`${amount(remove)} were released by MADV_REMOVE, which keeps every table.`);
  if (dontneed.calls === 0 && munmap.calls > 0 && !isLittle(munmap.bytes, baseline)) {
    const unmapped = formatBytes(munmap.bytes);
    reasons.push(`It unmaps what it no longer needs (${unmapped}, ${calls(munmap.calls)}): ${UNMAPPING}.`);
  }
  return reasons;
}

/** Huge pages come back where a table was reclaimed, and only there: RSS differs then for the same operations. */
function rssReason(policy: PolicyResult, baseline: PolicyResult): string | null {
  const [more, less] = [policy.summary.peak.rss_kb, baseline.summary.peak.rss_kb];
  if (more <= less) return null;
  return `RSS peaks at ${formatKb(more)} instead of ${formatKb(less)}: where a table was reclaimed, memory advised MADV_HUGEPAGE is faulted in as a huge page again; where an empty table stayed, page by page (and a trace has only the accesses that faulted on the kernel it was recorded on).`;
}

/** Calls of blame's reasons that empty a table by taking away what was mapped. */
const UNMAPS: Readonly<Record<string, string>> = {
  munmap_of_a_part: "munmap",
  mmap: "mappings put in the place of others (MAP_FIXED)",
  mremap: "mremap",
};

/** The call that most of the empty tables that are left are there for, where it is one of UNMAPS. */
function leftBy({ blame }: RunSummary): string | undefined {
  const tables = new Map<string, number>();
  for (const entry of blame?.end ?? []) tables.set(entry.reason, (tables.get(entry.reason) ?? 0) + entry.tables);
  const [heaviest] = [...tables].sort(([, a], [, b]) => b - a);
  const reason = heaviest?.[0] ?? "";
  return Object.hasOwn(UNMAPS, reason) ? UNMAPS[reason] : undefined;
}

/** The reason for which no more is saved, where it is one; a clause after "because". */
function mainCause({ mode, summary: policy }: PolicyResult, baseline: RunSummary, releases: Releases): string {
  const { dontneed, outcomes, otherAdvice, munmap } = releases;
  const left = leftBy(policy);
  if (left !== undefined && leftShare(policy, baseline) >= HELPS_SHARE)
    return `most of its empty tables were left by ${left}: ${UNMAPPING}`;
  if (dontneed.calls === 0) {
    const ways = [
      { ...otherAdvice.free, words: "the program releases memory by MADV_FREE, which keeps its tables" },
      { ...otherAdvice.remove, words: "the program releases memory by MADV_REMOVE, which keeps its tables" },
      { ...munmap, words: `the program never calls madvise(MADV_DONTNEED); it unmaps: ${UNMAPPING}` },
    ];
    const [most] = ways.sort((a, b) => b.bytes - a.bytes);
    return isLittle(most.bytes, baseline) ? "the trace shows hardly any release of memory" : most.words;
  }
  const emptyKb = (baseline.average_empty_pte_tables ?? 0) * TABLE_KB;
  const allKb = baseline.average_vmpte_kb ?? 0;
  if (leftShare(policy, baseline) < HELPS_SHARE && emptyKb < allKb * HELPS_SHARE)
    return `its tables are in use: on average ${formatKb(emptyKb)} of ${formatKb(allKb)} are empty ${policyOf(DEFAULT_BASELINE).phrase}`;
  const [main] = declined(releases);
  if (main !== undefined)
    return `${percent(outcomes[main].bytes, dontneed.bytes)} of what it releases by MADV_DONTNEED ${BECAUSE[main]}`;
  return `what it releases is little compared with the rest ${policyOf(mode).phrase}`;
}

function headlineOf(
  helps: Verdict["helps"],
  vmpte: Verdict["vmpte"],
  policy: PolicyResult,
  baseline: RunSummary,
  releases: Releases,
  estimated: boolean,
): string {
  const { program_ns, steady: state } = policy.summary;
  const more = estimated ? " (an estimate, rather too high)" : "";
  const { peak, average, steady } = vmpte;
  const over = program_ns === undefined ? "on average" : `averaged over its ${formatDuration(program_ns / 1e6)}`;
  if (helps === "yes") {
    const less = ({ saved_kb, baseline_kb }: Saving) =>
      saved_kb > 0 ? ` (${percent(saved_kb, baseline_kb)} less)` : "";
    const said = (each: Saving) => `${formatKb(each.policy_kb)} instead of ${formatKb(each.baseline_kb)}${less(each)}`;
    const when = state?.after_release
      ? `after its last release (${percent(state.share, 1)} of its time)`
      : "in its last tenth";
    if (helpsBy(average)) {
      const later = helpsBy(steady) ? `, ${when} ${said(steady)}` : "";
      return `Would help${more}: ${over} VmPTE is ${said(average)}${later}.`;
    }
    return `Would help${more}: ${when} VmPTE is ${said(steady)}; ${over} it is ${said(average)}.`;
  }
  const because = mainCause(policy, baseline, releases);
  if (helps === "little") {
    const saved =
      average.saved_kb > 0
        ? `${formatKb(average.saved_kb)} of ${formatKb(average.baseline_kb)} are saved`
        : "next to nothing is saved";
    return `Would help little${more}: ${over} ${saved}, because ${because}.`;
  }
  return `Would not help: VmPTE is the same under both policies (peak ${formatKb(peak.baseline_kb)}), because ${because}.`;
}

/** What was seen, as far as a setting could change it. */
function obstaclesOf(releases: Releases, baseline: RunSummary, left: number): ReadonlySet<Obstacle> {
  const { dontneed, outcomes, otherAdvice, munmap } = releases;
  const found = new Set<Obstacle>();
  if (isLittle(dontneed.bytes + otherAdvice.free.bytes + munmap.bytes, baseline)) found.add("never_released");
  if (left >= HELPS_SHARE && outcomes.below_table.bytes + outcomes.unaligned.bytes > dontneed.bytes / 10)
    found.add("small_pieces");
  if (otherAdvice.free.bytes > dontneed.bytes / 10) found.add("advice_free");
  return found;
}

/** What glibc takes at the first malloc is less, and less than a table maps. */
const HEAP_BYTES_MIN = 2 * 1024 * 1024;

/** Is there a heap to speak of? Every program has glibc's malloc; what is mapped past it, its settings do not change. */
function hasHeap({ heapBytes = null }: Releases, baseline: RunSummary): boolean {
  return heapBytes === null || heapBytes >= Math.max(HEAP_BYTES_MIN, (baseline.peak.rss_kb * 1024) / 10);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The command that tries settings on a program. */
function trialCommand(settings: readonly TrialSetting[], command: string): string {
  const given = settings.map(({ name, env }) => {
    const values = Object.entries(env).map(([key, value]) => `${key}=${/\s/.test(value) ? `"${value}"` : value}`);
    return `--setting ${quoted(`${name}: ${values.join(" ")}`)} `;
  });
  return `reclaim-lab try ${given.join("")}-- ${command}`;
}

/**
 * The verdict on runs of one workload under several policies: what the first of them in the table's order that is not the
 * baseline would change against the baseline. Null where there are not both, or they did not count what it needs
 * (average and releases; those of the model do).
 */
export function verdictOf(
  results: readonly PolicyResult[],
  baselineId: PolicyId,
  program: Program = { allocators: [] },
): Verdict | null {
  const [judged] = inPolicyOrder(results.map((result) => result.mode)).filter((mode) => mode !== baselineId);
  const policy = results.find((result) => result.mode === judged);
  const baseline = results.find((result) => result.mode === baselineId);
  if (!policy || !baseline) return null;
  const ours = policy.summary;
  const theirs = baseline.summary;
  const { releases } = ours;
  if (!releases || ours.average_vmpte_kb === undefined || theirs.average_vmpte_kb === undefined) return null;
  const vmpte = {
    peak: saving(ours.peak.vmpte_kb, theirs.peak.vmpte_kb),
    average: saving(ours.average_vmpte_kb, theirs.average_vmpte_kb),
    steady: saving(
      ours.steady?.average_vmpte_kb ?? ours.final.vmpte_kb,
      theirs.steady?.average_vmpte_kb ?? theirs.final.vmpte_kb,
    ),
    end: saving(ours.final.vmpte_kb, theirs.final.vmpte_kb),
  };
  const nothing = Object.values(vmpte).every(({ saved_kb }) => saved_kb <= 0);
  const helps = nothing ? "no" : helpsBy(vmpte.average) || helpsBy(vmpte.steady) ? "yes" : "little";
  const left = leftShare(ours, theirs);
  const obstacles = obstaclesOf(releases, theirs, left);
  const { allocators, name = "" } = program;
  const used = allocators.filter((allocator) => allocator !== "glibc" || hasHeap(releases, theirs));
  const settings = settingsAgainst(obstacles, used, name);
  // What glibc's own settings change is whether it gives anything back; small pieces are the program's own calls.
  const worthOne = (allocator: Allocator): boolean =>
    allocator === "glibc" ? obstacles.has("never_released") : obstacles.size > 0;
  const trials = used.filter(worthOne).flatMap((allocator) => TRIAL_SETTINGS[allocator]);
  const rss = rssReason(policy, baseline);
  return {
    helps,
    policy: policy.mode,
    baseline: baseline.mode,
    headline: headlineOf(helps, vmpte, policy, theirs, releases, program.light ?? false),
    reasons: [
      ...(left >= HELPS_SHARE / 2 ? declinedReasons(releases) : []),
      ...(helps === "yes" ? [] : otherReasons(releases, theirs)),
      ...(rss === null ? [] : [rss]),
    ],
    program_ns: ours.program_ns ?? null,
    vmpte,
    steady: { share: ours.steady?.share ?? 0, after_release: ours.steady?.after_release ?? false },
    dontneed: {
      ...releases.dontneed,
      outcomes: OUTCOMES.map((outcome) => ({ outcome, label: OUTCOME_LABELS[outcome], ...releases.outcomes[outcome] })),
    },
    settings,
    allocators,
    trial:
      trials.length === 0
        ? null
        : { command: trialCommand(trials, program.command ?? `${name || "PROGRAM"} ARGS`), settings: trials },
  };
}

/** What a trace cannot tell: `hidden` lists calls with their numbers. */
function unseen(hidden: string): string {
  return `Not in these numbers: calls on memory that a trace does not name (${hidden}). process_madvise may have freed more tables; memory that a userfaultfd handler filled without a fault has tables of its own.`;
}

/** The answer is of one process, and others did much of what the trace shows. */
function alone(processes: number, share: number): string {
  return `This is one process of ${formatCount(processes)}, with ${formatPercent(share)} of their events: for all of them together, children that came and went included, replay the trace as a service (--service).`;
}

const LIGHT =
  "Recorded without page faults, so the saving is an estimate, and rather too high: a table that was freed and filled again counts as saved until the next snapshot, and one that was then emptied piece by piece for good. Memory touched and released or unmapped between two snapshots is missing from these numbers, under every policy.";

/** What the verdict is read from, of an experiment as it is stored. */
export interface JudgedExperiment {
  readonly workloadKind: "preset" | "file" | "program" | "live";
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
  const verdict = verdictOf(results, baseline, {
    allocators: ALLOCATORS.filter((each) => names.includes(each)),
    ...(typeof params.program === "string" ? { name: params.program } : {}),
    ...(typeof params.command === "string" ? { command: params.command } : {}),
    ...(params.light === true ? { light: true } : {}),
  });
  if (verdict === null) return null;
  const { hidden_calls, light, of_processes, share_of_events } = params;
  const limits = [
    ...(typeof of_processes === "number" && typeof share_of_events === "number"
      ? [alone(of_processes, share_of_events)]
      : []),
    ...(light === true ? [LIGHT] : []),
    ...(typeof hidden_calls === "string" ? [unseen(hidden_calls)] : []),
  ];
  return limits.length === 0 ? verdict : { ...verdict, reasons: [...verdict.reasons, ...limits] };
}
