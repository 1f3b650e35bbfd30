/** The result of an experiment in words, the same in window, report and command line. */
import { formatCount, formatKb, formatNumberOf, formatPercent } from "../engine/experiment/format.ts";
import type { Mode, RunSummary } from "../engine/experiment/types.ts";

/** The least that is needed of a run to say what it came to. */
export interface ModeResult {
  readonly mode: Mode;
  readonly summary: RunSummary;
}

/** A piece of a sentence; those of a mode may be coloured. */
export interface SentencePart {
  readonly kind: "text" | "sync" | "none" | "strong";
  readonly text: string;
}

const text = (words: string): SentencePart => ({ kind: "text", text: words });
const strong = (words: string): SentencePart => ({ kind: "strong", text: words });

/** How much less page-table memory `sync` needs than `none`: 0.998 = 99.8 % less; below 0 = more. */
export function saving(syncKb: number, noneKb: number): number {
  return noneKb === 0 ? 0 : (noneKb - syncKb) / noneKb;
}

/** The saving as a list shows it: "−99.8 %", "0.0 %", "+1.2 %". Less is better. */
export function savingLabel(share: number): string {
  if (share === 0) return "0.0 %";
  return share > 0 ? `−${formatPercent(share)}` : `+${formatPercent(-share)}`;
}

function versus(syncKb: number, noneKb: number, lead: string): SentencePart[] {
  const share = saving(syncKb, noneKb);
  const verdict = share === 0 ? "no difference" : `${formatPercent(Math.abs(share))} ${share > 0 ? "less" : "more"}`;
  return [
    { kind: "sync", text: formatKb(syncKb) },
    text(` of page tables ${lead}with sync reclaim, `),
    { kind: "none", text: formatKb(noneKb) },
    text(" without: "),
    strong(verdict),
    text("."),
  ];
}

/** Runs that were stopped each at an operation of its own: what each had come to, and no comparison of the two. */
function atDifferentMoments(sync: RunSummary, none: RunSummary): SentencePart[] {
  return [
    { kind: "sync", text: formatKb(sync.final.vmpte_kb) },
    text(` of page tables after ${formatNumberOf(sync.operations, "operation")} with sync reclaim, `),
    { kind: "none", text: formatKb(none.final.vmpte_kb) },
    text(` after ${formatCount(none.operations)} without.`),
  ];
}

/**
 * The end of the run is what counts, unless both modes end alike and only the peak differs. Empty without results.
 */
export function resultSentence(results: readonly ModeResult[]): SentencePart[] {
  const sync = results.find((result) => result.mode === "sync")?.summary;
  const none = results.find((result) => result.mode === "none")?.summary;
  if (sync && none) {
    if (sync.operations !== none.operations) return atDifferentMoments(sync, none);
    if (sync.final.vmpte_kb === none.final.vmpte_kb && sync.peak.vmpte_kb !== none.peak.vmpte_kb)
      return [
        ...versus(sync.peak.vmpte_kb, none.peak.vmpte_kb, "at the peak "),
        text(` Both end at ${formatKb(sync.final.vmpte_kb)}.`),
      ];
    return versus(sync.final.vmpte_kb, none.final.vmpte_kb, "");
  }
  const only = sync ?? none;
  if (!only) return [];
  return [
    { kind: sync ? "sync" : "none", text: formatKb(only.final.vmpte_kb) },
    text(` of page tables at the end ${sync ? "with sync reclaim" : "without reclaim"}, `),
    strong(formatKb(only.peak.vmpte_kb)),
    text(" at the peak."),
  ];
}

/** The sentence as plain text, for titles, the clipboard and screen readers. */
export const plainSentence = (parts: readonly SentencePart[]): string => parts.map((part) => part.text).join("");
