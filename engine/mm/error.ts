import { BadInputError } from "../error.ts";

/** A workload or configuration that the engine cannot run. The message says what, why, and what to do. */
export class EngineError extends BadInputError {
  override readonly name = "EngineError";
}

/** A broken invariant: a bug of the engine (or a sabotage), never of its input. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}
