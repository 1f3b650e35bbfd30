/**
 * Filter expressions of the history, the same in window and command line: `chunk>1M policy:eager tag:prod saved>10%`.
 * Terms that all must hold; a term with "-" before it must not; anything else is a word to search for.
 */
import { BadInputError } from "../error.ts";
import { parseSize } from "./params.ts";
import { POLICIES, type PolicyId } from "./policies.ts";
import type { RunStatus, Source } from "./types.ts";

export type Comparison = "=" | "!=" | ">" | "<" | ">=" | "<=";

/** What can be compared with a number, and how it is written. */
export const NUMBER_FIELDS = {
  saved: "share",
  peak: "size",
  vmpte: "size",
  average: "size",
  operations: "number",
  seed: "number",
  levels: "number",
  created: "date",
} as const satisfies Record<string, "share" | "size" | "number" | "date">;
export type NumberField = keyof typeof NUMBER_FIELDS;

export type FilterTerm = { readonly not: boolean } & (
  | { readonly kind: "number"; readonly field: NumberField; readonly comparison: Comparison; readonly value: number }
  | { readonly kind: "param"; readonly name: string; readonly comparison: Comparison; readonly value: number | string }
  | { readonly kind: "text"; readonly field: "tag" | "workload" | "title" | "note" | "uid"; readonly value: string }
  | { readonly kind: "policy"; readonly policies: readonly PolicyId[] }
  | { readonly kind: "status"; readonly status: RunStatus }
  | { readonly kind: "source"; readonly source: Source }
  | { readonly kind: "is"; readonly what: "pinned" | "sweep" | "measured" | "live" }
);

export interface HistoryFilterExpression {
  readonly terms: readonly FilterTerm[];
  /** Looked for in title, workload, parameters, tags and notes. */
  readonly words: readonly string[];
}

/** An example of each kind of term, for help texts. */
export const FILTER_EXAMPLES: readonly (readonly [term: string, meaning: string])[] = [
  ["chunk>1M", "a parameter, of a preset or of a sweep's points"],
  ["policy:eager", "has a run under this policy"],
  ["tag:prod", "has this tag"],
  ["saved>10%", "the best policy saves more than this share of page tables"],
  ["peak>=100M", "VmPTE at the peak; vmpte (at the end) and average too"],
  ["created>=2026-11-01", "made on this day or later"],
  ["status:failed", "has a run that is: queued, running, done, cancelled, failed, interrupted"],
  ["is:pinned", "pinned, sweep, measured or live"],
  ["workload:redis", "the workload's name has this in it; title and note too"],
  ["-tag:old", "not so"],
];

const TERM = /^(-?)([A-Za-z_][\w.-]*?)(:|>=|<=|!=|>|<|=)(.*)$/s;
/** Tokens end at white space outside of quotes. */
const TOKEN = /(?:"[^"]*"?|[^\s"])+/g;
const STATUSES: readonly RunStatus[] = ["queued", "running", "done", "cancelled", "failed", "interrupted"];
const IS = ["pinned", "sweep", "measured", "live"] as const;
const TERMS_MAX = 20;

const SYNONYMS: Readonly<Record<string, string>> = {
  mode: "policy",
  saving: "saved",
  ops: "operations",
  tags: "tag",
  preset: "workload",
  notes: "note",
  date: "created",
};

function refuse(token: string, why: string, todo: string): never {
  throw new BadInputError("The filter cannot be read", { where: token, why, todo });
}

const HOW: Readonly<Record<(typeof NUMBER_FIELDS)[NumberField], string>> = {
  share: "a share, such as 10%",
  size: "a size, such as 100M",
  number: "a number",
  date: "a day, such as 2026-11-01",
};

function numberOf(token: string, field: NumberField, text: string): number {
  const how = NUMBER_FIELDS[field];
  const value =
    how === "share"
      ? Number(text.replace(/\s*%$/, "")) / 100
      : how === "size"
        ? (parseSize(text) ?? Number.NaN) / 1024
        : how === "date"
          ? new Date(`${text}T00:00:00`).getTime()
          : Number(text.replaceAll(/[_,]/g, ""));
  if (text.trim() === "" || !Number.isFinite(value))
    refuse(token, `"${text}" is not ${HOW[how]}`, `Compare ${field} with ${HOW[how]}`);
  return value;
}

const includes = <T extends string>(all: readonly T[], text: string): text is T => all.some((each) => each === text);

function termOf(token: string, not: boolean, name: string, comparison: Comparison, text: string): FilterTerm {
  const field = SYNONYMS[name.toLowerCase()] ?? name.toLowerCase();
  const choice = (all: readonly string[]) =>
    refuse(token, `"${text}" is not one of ${all.join(", ")}`, "Choose one of these");
  if (field in NUMBER_FIELDS) {
    const known = field as NumberField;
    return { kind: "number", not, field: known, comparison, value: numberOf(token, known, text) };
  }
  if (includes(["policy", "status", "source", "is", "tag", "workload", "title", "note", "uid"], field)) {
    if (comparison !== "=" && comparison !== "!=")
      refuse(token, `${field} has no order`, `Write ${field}:${text}, or -${field}:${text}`);
    const isNot = comparison === "!=" ? !not : not;
    if (field === "policy") {
      const policies = POLICIES.filter(({ id, word }) => id === text || word.includes(text.toLowerCase()));
      if (policies.length === 0) choice(POLICIES.map(({ id }) => id));
      const exact = policies.filter(({ id }) => id === text);
      return { kind: "policy", not: isNot, policies: (exact.length > 0 ? exact : policies).map(({ id }) => id) };
    }
    if (field === "status")
      return includes(STATUSES, text) ? { kind: "status", not: isNot, status: text } : choice(STATUSES);
    if (field === "source") {
      if (text === "model") return { kind: "source", not: isNot, source: "model" };
      if (text === "kernel" || text === "measured") return { kind: "source", not: isNot, source: "kernel" };
      return choice(["model", "measured"]);
    }
    if (field === "is") return includes(IS, text) ? { kind: "is", not: isNot, what: text } : choice(IS);
    return { kind: "text", not: isNot, field, value: text };
  }
  const number = /^-?[\d.]+$/.test(text) ? Number(text) : parseSize(text);
  if (number === null && comparison !== "=" && comparison !== "!=")
    refuse(token, `"${text}" is not a number or a size`, `Compare ${name} with one, such as ${name}>1M`);
  return { kind: "param", not, name, comparison, value: number ?? text };
}

/** Throws BadInputError where a term cannot be read. A term that is not written to its end yet is left out. */
export function parseHistoryFilter(text: string): HistoryFilterExpression {
  const terms: FilterTerm[] = [];
  const words: string[] = [];
  for (const token of text.match(TOKEN) ?? []) {
    const match = TERM.exec(token);
    if (!match) {
      words.push(token.replaceAll('"', ""));
      continue;
    }
    const [, minus, name, operator, quoted] = match;
    const value = quoted.replaceAll('"', "").trim();
    if (value === "") continue;
    const comparison = operator === ":" ? "=" : (operator as Comparison);
    terms.push(termOf(token, minus === "-", name, comparison, value));
  }
  if (terms.length > TERMS_MAX) refuse(text.slice(0, 60), `it has ${terms.length} terms`, `Use at most ${TERMS_MAX}`);
  return { terms, words };
}
