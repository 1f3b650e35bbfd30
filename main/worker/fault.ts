/**
 * Faults on purpose, for the tests of what the lab does about them: RECLAIM_LAB_FAULT=worker-crash:N makes the engine's
 * worker throw where nobody catches, once N operations are done.
 */
const asked = /^worker-crash:(\d+)$/.exec(process.env.RECLAIM_LAB_FAULT ?? "");
const crashAt = asked === null ? Number.POSITIVE_INFINITY : Number(asked[1]);

export function crashIfAsked(operations: number): void {
  if (operations < crashAt) return;
  // Out of every promise and handler, as a fault of the engine itself would be.
  process.nextTick(() => {
    throw new Error(`crashed on purpose after ${operations} operations (RECLAIM_LAB_FAULT)`);
  });
}
