/** The result of an experiment in words, the same in window, report and command line. */
import { type ComparableRun, comparePolicies, type RunComparison, type Saving } from "./compare-runs.ts";
import { formatDuration, formatKb, formatNs, formatNumberOf, formatPercent } from "./format.ts";
import type { PolicyId } from "./policies.ts";
import { policyPhrase, policyWord } from "./words.ts";

/** A piece of a sentence; those of a policy may be in its colour. */
export type SentencePart =
  | { readonly kind: "text" | "strong"; readonly text: string }
  | { readonly kind: "policy"; readonly policy: PolicyId; readonly text: string };

export const text = (words: string): SentencePart => ({ kind: "text", text: words });
export const strong = (words: string): SentencePart => ({ kind: "strong", text: words });
export const ofPolicy = (policy: PolicyId, words: string): SentencePart => ({ kind: "policy", policy, text: words });

/** The saving as a list shows it: "−99.8 %", "0 %", "+1.2 %". Less is better. */
export function savingLabel(share: number): string {
  if (share === 0) return formatPercent(0);
  return share > 0 ? `−${formatPercent(share)}` : `+${formatPercent(-share)}`;
}

/** "99.8 % less", "1.2 % more", "no difference". */
export function savingWords(share: number): string {
  return share === 0 ? "no difference" : `${formatPercent(Math.abs(share))} ${share > 0 ? "less" : "more"}`;
}

/** Pieces with commas between them, "and" before the last. */
export function listed(items: readonly (readonly SentencePart[])[]): SentencePart[] {
  return items.flatMap((item, at) => [...(at === 0 ? [] : [text(at === items.length - 1 ? " and " : ", ")]), ...item]);
}

type Known = Pick<ComparableRun, "id" | "mode" | "source" | "summary">;
type Compared = RunComparison<Known>["runs"][number] & { readonly saving: Saving };

/** "averaged over its 2.5 s", by the clock of the program. */
const overItsTime = (ns: number): string => `averaged over its ${formatDuration(ns / 1e6)}`;

function versus({ mode }: Known, base: Known, saving: Saving): SentencePart[] {
  const lead = {
    end: "",
    peak: "at the peak ",
    average: `${overItsTime(base.summary?.program_ns ?? 0)} `,
  }[saving.at];
  const sentence = [
    ofPolicy(mode, formatKb(saving.kb)),
    text(` of page tables ${lead}${policyPhrase(mode)}, `),
    ofPolicy(base.mode, formatKb(saving.baselineKb)),
    text(` ${policyPhrase(base.mode)}: `),
    strong(savingWords(saving.share)),
    text("."),
  ];
  if (saving.at === "end" || !base.summary) return sentence;
  return [...sentence, text(` Both end at ${formatKb(base.summary.final.vmpte_kb)}.`)];
}

/** When page tables are compared, in words, and what a run had then. */
function momentOf(runs: readonly Known[]): { readonly words: string; readonly kbOf: (run: Known) => number } {
  const average = ({ summary }: Known): number => summary?.average_vmpte_kb ?? 0;
  // A program's clock says how long it had what; operations do not.
  const [ns] = runs.flatMap(({ summary }) => summary?.program_ns ?? []);
  if (ns !== undefined && runs.every(({ summary }) => summary?.average_vmpte_kb !== undefined))
    return { words: overItsTime(ns), kbOf: average };
  const end = ({ summary }: Known): number => summary?.final.vmpte_kb ?? 0;
  const peak = ({ summary }: Known): number => summary?.peak.vmpte_kb ?? 0;
  const alike = runs.every((run) => end(run) === end(runs[0]));
  return alike ? { words: "at the peak", kbOf: peak } : { words: "at the end", kbOf: end };
}

/** What several policies save, of what the baseline needs. */
function several(others: readonly Known[], base: Known): SentencePart[] {
  const { words, kbOf } = momentOf([base, ...others]);
  const baseKb = kbOf(base);
  if (others.every((run) => kbOf(run) === baseKb))
    return [
      strong("No difference"),
      text(`: ${formatKb(baseKb)} of page tables ${words} under each of ${others.length + 1} policies.`),
    ];
  const shareOf = (run: Known): number => (baseKb === 0 ? 0 : (baseKb - kbOf(run)) / baseKb);
  const changing = others.filter((run) => kbOf(run) !== baseKb);
  const nothing = others.filter((run) => kbOf(run) === baseKb);
  let verb = "";
  let priced = false;
  const items = changing.map((run) => {
    const share = shareOf(run);
    const before = verb;
    verb = share < 0 ? "needs" : "saves";
    const ns = (run.summary?.cost?.longest_call_ns ?? 0) - (base.summary?.cost?.longest_call_ns ?? 0);
    // What the one call pays that bears most of it, beyond what it pays with the baseline.
    const price = ns > 0 ? ` at ${formatNs(ns)}${priced ? "" : " more in the longest call"}` : "";
    priced ||= ns > 0;
    return [
      ofPolicy(run.mode, policyWord(run.mode)),
      text(verb === before ? " " : ` ${verb} `),
      strong(share > 0 ? formatPercent(share) : `${formatPercent(-share)} more`),
      text(price),
    ];
  });
  const idle = nothing.map(({ mode }) => [ofPolicy(mode, policyWord(mode))]);
  return [
    text("Of "),
    ofPolicy(base.mode, formatKb(baseKb)),
    text(` of page tables ${words} ${policyPhrase(base.mode)}, `),
    ...listed(items),
    ...(idle.length === 0
      ? []
      : [text("; "), ...listed(idle), text(idle.length === 1 ? " saves nothing" : " save nothing")]),
    text("."),
  ];
}

/** Runs that were stopped each at an operation of its own: what each had come to, and no comparison of them. */
function atDifferentMoments(runs: readonly Known[]): SentencePart[] {
  const items = runs.flatMap(({ mode, summary }, nth) =>
    summary === null
      ? []
      : [
          [
            ofPolicy(mode, formatKb(summary.final.vmpte_kb)),
            text(
              `${nth === 0 ? " of page tables" : ""} after ${formatNumberOf(summary.operations, "operation")} ${policyPhrase(mode)}`,
            ),
          ],
        ],
  );
  return [...listed(items), text(".")];
}

/**
 * What runs of one workload came to, against the chosen policy's (the default baseline where none is): the end of the run is
 * what counts, unless the ends are alike and what was needed before differs. Empty without results.
 */
export function resultSentence(runs: readonly Known[], chosen?: PolicyId): SentencePart[] {
  const known = runs.filter((run) => run.summary !== null);
  const comparison = comparePolicies(known, chosen, []);
  if (comparison === null) return [];
  const { baseline } = comparison;
  const others = comparison.runs.filter((each) => !each.isBaseline);
  const compared = others.filter((each): each is Compared => each.saving !== null);
  if (others.length === 0) {
    const { mode, summary } = baseline;
    if (!summary) return [];
    return [
      ofPolicy(mode, formatKb(summary.final.vmpte_kb)),
      text(` of page tables at the end ${policyPhrase(mode)}, `),
      strong(formatKb(summary.peak.vmpte_kb)),
      text(" at the peak."),
    ];
  }
  if (compared.length < others.length) return atDifferentMoments(comparison.runs.map(({ run }) => run));
  if (compared.length === 1) return versus(compared[0].run, baseline, compared[0].saving);
  return several(
    compared.map(({ run }) => run),
    baseline,
  );
}

/** The sentence as plain text, for titles, the clipboard and screen readers. */
export const plainSentence = (parts: readonly SentencePart[]): string => parts.map((part) => part.text).join("");
