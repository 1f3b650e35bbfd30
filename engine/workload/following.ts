import { around, type Machine } from "../experiment/machine.ts";
import type { SampleRow } from "../experiment/types.ts";
import type { Operation } from "./operation.ts";

export interface Following extends Machine {
  /** The number of the process that its numbers are of. */
  followed(): number;
  /** Its numbers are of that process from now on: the machine has gone back to a moment when they were. */
  goBackTo(process: number): void;
}

/**
 * A machine whose numbers are those of the process that was forked last: for a trace of a process that began as a fork.
 * The operations are those of its ancestors up to the fork, and its own after it. Without `follow` it stays with the first.
 */
export function following(machine: Machine, follow = true): Following {
  let process = 0;
  return around(machine, {
    execute(operation: Operation) {
      const result = machine.execute(operation);
      if (follow && operation.op === "fork") process = forkedBy(result) ?? process;
      return result;
    },
    sampleInto: (row: SampleRow, sequence: number) => machine.sampleInto(row, sequence, process),
    ...(machine.blame ? { blame: () => machine.blame?.(process) ?? { peak: [], end: [] } } : {}),
    ...(machine.emptyPteTables ? { emptyPteTables: () => machine.emptyPteTables?.(process) ?? 0 } : {}),
    vmpteKb: () => machine.vmpteKb(process),
    rssKb: () => machine.rssKb(process),
    followed: () => process,
    goBackTo(earlier: number) {
      process = earlier;
    },
  });
}

/** The number of the process that a fork made, from its result. */
function forkedBy(result: unknown): number | undefined {
  if (typeof result !== "object" || result === null || !("value" in result) || !("status" in result)) return undefined;
  return result.status === "ok" && typeof result.value === "number" ? result.value : undefined;
}
