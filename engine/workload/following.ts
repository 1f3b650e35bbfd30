import type { Machine } from "../experiment/machine.ts";

/**
 * A machine whose numbers are those of the process that was forked last: for a trace of a process that began as a fork.
 * The operations are those of its ancestors up to the fork, and its own after it.
 */
export function following(machine: Machine): Machine {
  let process = 0;
  return {
    ...(machine.releases
      ? { releases: () => machine.releases?.() as NonNullable<ReturnType<NonNullable<Machine["releases"]>>> }
      : {}),
    execute(operation) {
      const result = machine.execute(operation);
      if (operation.op === "fork") process = forkedBy(result) ?? process;
      return result;
    },
    sampleInto: (row, sequence) => machine.sampleInto(row, sequence, process),
    vmpteKb: () => machine.vmpteKb(process),
    rssKb: () => machine.rssKb(process),
  };
}

/** The number of the process that a fork made, from its result. */
function forkedBy(result: unknown): number | undefined {
  if (typeof result !== "object" || result === null || !("value" in result) || !("status" in result)) return undefined;
  return result.status === "ok" && typeof result.value === "number" ? result.value : undefined;
}
