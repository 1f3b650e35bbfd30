import type { Mode, RunSummary } from "../../engine/experiment/types.ts";
import { formatKb, formatPercent } from "./format.ts";

/** The least that is needed of a run to say what it came to. */
export interface ModeResult {
  readonly mode: Mode;
  readonly summary: RunSummary;
}

export type SentencePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "sync" | "none" | "strong"; readonly text: string };

const text = (words: string): SentencePart => ({ kind: "text", text: words });
const strong = (words: string): SentencePart => ({ kind: "strong", text: words });

/** How much less page-table memory `sync` needs than `none`: 0.998 = 99.8 % less; below 0 = more. */
export function saving(syncKb: number, noneKb: number): number {
  return noneKb === 0 ? 0 : (noneKb - syncKb) / noneKb;
}

function versus(syncKb: number, noneKb: number, lead: string): SentencePart[] {
  const share = saving(syncKb, noneKb);
  const sync: SentencePart = { kind: "sync", text: formatKb(syncKb) };
  const none: SentencePart = { kind: "none", text: formatKb(noneKb) };
  const verdict =
    share === 0 ? strong("no difference") : strong(`${formatPercent(Math.abs(share))} ${share > 0 ? "less" : "more"}`);
  return [sync, text(` of page tables ${lead}with sync reclaim, `), none, text(" without: "), verdict, text(".")];
}

/**
 * The result of an experiment in words, in parts that can be coloured by mode. The end of the run is what counts,
 * unless both modes end alike and only the peak differs.
 */
export function resultSentence(results: readonly ModeResult[]): SentencePart[] {
  const sync = results.find((result) => result.mode === "sync")?.summary;
  const none = results.find((result) => result.mode === "none")?.summary;
  if (sync && none) {
    const endsAlike = sync.final.vmpte_kb === none.final.vmpte_kb;
    if (endsAlike && sync.peak.vmpte_kb !== none.peak.vmpte_kb) {
      return [
        ...versus(sync.peak.vmpte_kb, none.peak.vmpte_kb, "at the peak "),
        text(` Both end at ${formatKb(sync.final.vmpte_kb)}.`),
      ];
    }
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

/** The saving as the history shows it: "−99.8 %", "0.0 %", "+1.2 %". Less is better. */
export function savingLabel(share: number): string {
  if (share === 0) return "0.0 %";
  return share > 0 ? `−${formatPercent(share)}` : `+${formatPercent(-share)}`;
}
