/** The operations of a trace without the program's clock, for tests of what is done, not when. */
import type { Operation } from "../operation.ts";

/** Also without the tick at the end, which stands for the time until then. */
export function timeless(operations: readonly Operation[]): Operation[] {
  return operations.filter(({ op }) => op !== "tick").map(({ at: _at, ...operation }) => operation as Operation);
}
