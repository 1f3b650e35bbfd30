import type { Random } from "../lib/random.ts";

/** Something of ours that reads what others wrote. */
export interface Target<Input> {
  readonly name: string;
  /** What of all inputs this target gets in the long lane, and in its short form. */
  readonly inputs: number;
  readonly inputsShort: number;
  /** Makes one input out of the corpus; everything random comes from `random`. */
  readonly make: (random: Random) => Input;
  /**
   * Gives the input to the program. Resolves to whether it was taken or refused in words; throws where the program did
   * anything else: an error that is not one of ours, a broken promise.
   */
  readonly give: (input: Input) => Promise<Verdict>;
  /** The input as a person reads it. */
  readonly show: (input: Input) => string;
  /** Called now and then, and at the end. */
  readonly tidy?: () => Promise<void> | void;
}

export type Verdict = "taken" | "refused";

// biome-ignore lint/suspicious/noExplicitAny: inputs of different targets have nothing in common
export type AnyTarget = Target<any>;
