/** What the palette offers, and how well it fits what was typed. */
import { computeCommandScore } from "bits-ui";

export const ENTRY_KINDS = ["experiment", "command", "file", "preset"] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

export interface Entry {
  readonly id: string;
  readonly kind: EntryKind;
  readonly title: string;
  readonly detail: string;
  readonly keys?: string | undefined;
  /** Other words for it, that people search by. */
  readonly words?: readonly string[];
  /** What was found elsewhere fits so well at least, by words that it does not show. */
  readonly fit?: number;
  /** Offered only when something is typed. */
  readonly searchOnly?: boolean;
  readonly run: () => void;
}

export const HEADINGS: Readonly<Record<EntryKind, string>> = {
  experiment: "History",
  command: "Commands",
  file: "Recent files",
  preset: "Presets",
};

/** Below it letters are met somewhere in order, no word is. */
const SCORE_MIN = 0.15;
/** An experiment that the history found by a tag or a note. */
export const FIT_FOUND = 0.2;
/** What was typed can mean nothing else. */
export const FIT_EXACT = 1;
/** A synonym is a little less than the name itself. */
const SCORE_KEYWORD = 0.85;
const SHOWN_PER_KIND = 8;
const SHOWN_AT_FIRST = { experiment: 3, command: 40, file: 8, preset: 8 } as const satisfies Record<EntryKind, number>;

/** 0 where it does not fit, up to 1; every word must be found, in whatever order. */
function score(typed: string, entry: Pick<Entry, "title" | "detail" | "words" | "fit">): number {
  const keywords = [...(entry.words ?? []), entry.detail];
  const fits = typed
    .split(/\s+/)
    .filter(Boolean)
    .map((word) =>
      Math.max(
        computeCommandScore(entry.title, word),
        ...keywords.map((each) => SCORE_KEYWORD * computeCommandScore(each, word)),
      ),
    );
  const least = Math.min(1, ...fits);
  if (entry.fit !== undefined) return Math.max(least, entry.fit);
  return least < SCORE_MIN ? 0 : least;
}

export interface Group {
  readonly kind: EntryKind;
  readonly entries: readonly Entry[];
}

/** Groups by kind, the one with the best fit first; as they are where nothing is typed. */
export function grouped(typed: string, entries: readonly Entry[]): Group[] {
  const nothing = typed.trim() === "";
  return ENTRY_KINDS.map((kind) => {
    const scored = entries
      .filter((entry) => entry.kind === kind && !(nothing && entry.searchOnly))
      .map((entry) => ({ entry, fit: nothing ? 1 : score(typed, entry) }))
      .filter(({ fit }) => fit > 0);
    if (!nothing) scored.sort((a, b) => b.fit - a.fit);
    const shown = scored.slice(0, nothing ? SHOWN_AT_FIRST[kind] : SHOWN_PER_KIND);
    return { kind, entries: shown.map(({ entry }) => entry), best: shown[0]?.fit ?? 0 };
  })
    .filter((group) => group.entries.length > 0)
    .sort((a, b) => (nothing ? 0 : b.best - a.best));
}
