/** Time for what is seen first: the first points of a run are drawn well before. */
const FIRST_MS = 250;
const IDLE_MS_MAX = 400;

/**
 * Runs something that nobody waits for, once what is seen first has been drawn and the window has a moment to spare.
 * Gives what calls it off. The window only.
 */
export function later(run: () => void): () => void {
  let idle: number | undefined;
  const timer = setTimeout(() => {
    idle = requestIdleCallback(run, { timeout: IDLE_MS_MAX });
  }, FIRST_MS);
  return () => {
    clearTimeout(timer);
    if (idle !== undefined) cancelIdleCallback(idle);
  };
}
