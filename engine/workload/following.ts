import type { Machine } from "../experiment/machine.ts";
import type { PolicyCost } from "../experiment/types.ts";

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
  return {
    ...(machine.releases
      ? { releases: () => machine.releases?.() as NonNullable<ReturnType<NonNullable<Machine["releases"]>>> }
      : {}),
    ...(machine.cost ? { cost: () => machine.cost?.() as PolicyCost } : {}),
    execute(operation) {
      const result = machine.execute(operation);
      if (follow && operation.op === "fork") process = forkedBy(result) ?? process;
      return result;
    },
    sampleInto: (row, sequence) => machine.sampleInto(row, sequence, process),
    ...(machine.leastKb ? { leastKb: () => machine.leastKb?.() ?? Number.POSITIVE_INFINITY } : {}),
    ...(machine.blame ? { blame: () => machine.blame?.(process) ?? { peak: [], end: [] } } : {}),
    ...(machine.emptyPteTables ? { emptyPteTables: () => machine.emptyPteTables?.(process) ?? 0 } : {}),
    vmpteKb: () => machine.vmpteKb(process),
    rssKb: () => machine.rssKb(process),
    followed: () => process,
    goBackTo(earlier) {
      process = earlier;
    },
  };
}

/** The number of the process that a fork made, from its result. */
function forkedBy(result: unknown): number | undefined {
  if (typeof result !== "object" || result === null || !("value" in result) || !("status" in result)) return undefined;
  return result.status === "ok" && typeof result.value === "number" ? result.value : undefined;
}
