/**
 * The parameters of a preset: what they are, how they are written, and why a value is refused.
 * Pure and free of other imports, so that the window checks a field with the very code that the command line uses.
 */
import type { ChoiceParam, NumberParam, ParamSpec } from "./param-spec.ts";
import type { Params, ParamValue } from "./types.ts";

export type { NumberParam, ParamSpec } from "./param-spec.ts";

/** Where a preset's numbers come from. */
export interface SourceReference {
  readonly title: string;
  /** A URL, or a file of the kernel or of the program that is modelled. */
  readonly reference: string;
  /** What was taken from it. */
  readonly used: string;
}

/** What the window and the command line show of a preset; plain data. */
export interface PresetInfo {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly params: readonly ParamSpec[];
  readonly sources: readonly SourceReference[];
}

/** Why one parameter is refused. `name` is the field. */
export interface ParamProblem {
  readonly name: string;
  readonly reason: string;
}

export type ParamsResult =
  | { readonly ok: true; readonly params: Params }
  | { readonly ok: false; readonly problems: readonly ParamProblem[] };

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40, P: 2 ** 50 };
const SIZE = /^([0-9]{1,16}(?:\.[0-9]{1,6})?|0x[0-9a-f]{1,13})\s*([kmgtp]?)(?:i?b)?$/i;

/**
 * Reads a size in bytes: `4096`, `0x1000`, `2M`, `1.5G`, `50 GiB`. Units are powers of 1024.
 * Returns null where it is not one, is not whole, or is 2^53 or more.
 */
export function parseSize(text: string): number | null {
  const match = SIZE.exec(text.trim());
  if (!match) return null;
  const value = Number(match[1]) * (UNITS[match[2].toUpperCase()] ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : null;
}

/** Writes bytes so that parseSize reads the same number: `2M`, `50G`, `1.5G`, `4097`. */
export function formatSize(bytes: number): string {
  for (const unit of ["P", "T", "G", "M", "K"]) {
    const scaled = bytes / UNITS[unit];
    if (scaled >= 1 && Number.isInteger(scaled * 4) && Number.isInteger(bytes)) return `${scaled}${unit}`;
  }
  return String(bytes);
}

/** A parameter's value as a person writes it. */
export function formatParam(spec: ParamSpec, value: ParamValue): string {
  if (spec.type === "bytes" && typeof value === "number") return formatSize(value);
  if (spec.type === "ms") return `${value} ms`;
  if (spec.type === "percent") return `${value} %`;
  return String(value);
}

/** The defaults of a preset's parameters. */
export function defaultParams(specs: readonly ParamSpec[]): Params {
  return Object.fromEntries(specs.map((spec) => [spec.name, spec.default]));
}

function readNumber(spec: NumberParam, input: unknown): number | string {
  let value: number | null = null;
  if (typeof input === "number") value = input;
  else if (typeof input === "string") {
    const text = input.trim();
    if (spec.type === "bytes") value = text.startsWith("-") ? negate(parseSize(text.slice(1))) : parseSize(text);
    else {
      const bare = text.replace(spec.type === "ms" ? /\s*ms$/i : /\s*%$/, "").replaceAll(/(?<=\d)[,_](?=\d{3})/g, "");
      value = /^-?[0-9]+(?:\.[0-9]+)?(?:e[0-9]{1,2})?$/i.test(bare) ? Number(bare) : null;
    }
  }
  const range = `${formatParam(spec, spec.min)} to ${formatParam(spec, spec.max)}`;
  if (value === null || !Number.isFinite(value)) {
    const wanted = spec.type === "bytes" ? "a size such as 4096, 2M or 50G" : "a whole number";
    return `${shown(input)} is not ${wanted} (${range})`;
  }
  if (!Number.isSafeInteger(value)) return `${shown(input)} is not a whole number (${range})`;
  if (value < spec.min || value > spec.max) return `${formatParam(spec, value)} is outside ${range}`;
  if (spec.multipleOf && value % spec.multipleOf !== 0) {
    return `${formatParam(spec, value)} is not a multiple of ${formatParam(spec, spec.multipleOf)}`;
  }
  return value;
}

const YES_WORDS: Readonly<Record<string, string>> = {
  true: "yes",
  on: "yes",
  1: "yes",
  false: "no",
  off: "no",
  0: "no",
};

/** The choice that is meant, where it is one: true, on and 1 are a yes, too. */
function choiceOf({ choices }: ChoiceParam, value: unknown): string | null {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return null;
  const text = String(value);
  const has = (wanted: string | undefined) => choices.some((choice) => choice.value === wanted);
  if (typeof value === "string" && has(value)) return value;
  const word = Object.hasOwn(YES_WORDS, text) ? YES_WORDS[text] : undefined;
  return word !== undefined && has(word) ? word : null;
}

function negate(value: number | null): number | null {
  return value === null ? null : -value;
}

/** A value as it was given, shortened, for a message. */
function shown(input: unknown): string {
  const object = typeof input === "object" && input !== null;
  const text = typeof input === "string" ? JSON.stringify(input) : object ? "an object" : String(input);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

/**
 * Checks parameters as they were typed or sent (numbers, or text such as "50G") and fills in the defaults.
 * Every problem found is returned, each at its field; an unknown name is a problem too.
 */
export function validateParams(specs: readonly ParamSpec[], input: Readonly<Record<string, unknown>>): ParamsResult {
  const problems: ParamProblem[] = [];
  const params: Record<string, ParamValue> = Object.create(null);
  const known = new Set(specs.map((spec) => spec.name));
  for (const name of Object.keys(input)) {
    if (known.has(name)) continue;
    const list = specs.length ? `the parameters are ${specs.map((spec) => spec.name).join(", ")}` : "it has none";
    problems.push({ name: name.slice(0, 60), reason: `there is no such parameter; ${list}` });
  }
  for (const spec of specs) {
    const value = Object.hasOwn(input, spec.name) ? input[spec.name] : undefined;
    if (value === undefined) params[spec.name] = spec.default;
    else if (spec.type === "choice") {
      const chosen = choiceOf(spec, value);
      if (chosen !== null) params[spec.name] = chosen;
      else {
        const list = spec.choices.map((choice) => choice.value).join(", ");
        problems.push({ name: spec.name, reason: `${shown(value)} is not one of ${list}` });
      }
    } else {
      const read = readNumber(spec, value);
      if (typeof read === "number") params[spec.name] = read;
      else problems.push({ name: spec.name, reason: read });
    }
  }
  for (const spec of specs) {
    if (spec.type === "choice" || spec.atMost === undefined) continue;
    const value = params[spec.name];
    const limit = params[spec.atMost];
    if (typeof value === "number" && typeof limit === "number" && value > limit) {
      const reason = `${formatParam(spec, value)} is more than ${spec.atMost}, which is ${formatParam(spec, limit)}`;
      problems.push({ name: spec.name, reason });
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, params: { ...params } };
}

/** The same where what the parameter is may not be known. */
export function formatValueOf(spec: ParamSpec | undefined, value: ParamValue): string {
  return spec === undefined ? String(value) : formatParam(spec, value);
}

/** Parses one value as typed, or says why it is invalid. Limits set by other parameters are checked with the whole set. */
export function readParam(
  spec: ParamSpec,
  text: string,
): { readonly value: ParamValue } | { readonly problem: string } {
  const { atMost: _atMost, ...alone } = spec as NumberParam;
  const checked = validateParams([spec.type === "choice" ? spec : alone], { [spec.name]: text });
  return checked.ok ? { value: checked.params[spec.name] } : { problem: checked.problems[0]?.reason ?? "not a value" };
}
