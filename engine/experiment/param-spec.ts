/** What a parameter of a preset, or a knob of a policy, is: plain types, on which everything may be built. */

interface ParamBase {
  readonly name: string;
  readonly label: string;
  /** One or two sentences: what it changes, in the words of the field. */
  readonly description: string;
}

/** A number: bytes (written with K, M, G, T), a count, milliseconds or a percentage. */
export interface NumberParam extends ParamBase {
  readonly type: "bytes" | "count" | "ms" | "percent";
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** The value must be a multiple of this (4096: whole pages). */
  readonly multipleOf?: number;
  /** The value may not exceed that of this other parameter. */
  readonly atMost?: string;
}

/** One of a few named values. */
export interface ChoiceParam extends ParamBase {
  readonly type: "choice";
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  readonly default: string;
}

export type ParamSpec = NumberParam | ChoiceParam;
