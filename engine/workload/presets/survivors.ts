/**
 * Which of many equal pieces stay in use when the rest is freed: one in each group, at a place that the seed decides, never
 * the group's first. So there are as many free runs as groups (the last group has no survivor), whatever the seed
 * is, and a preset knows how many operations it will make.
 */
import { createRandom } from "../random.ts";

export interface FreeRun {
  /** First free piece, and how many follow one another. */
  readonly first: number;
  readonly count: number;
}

/** How many pieces share one survivor for a percentage of survivors; 0 where nothing survives. */
function groupSize(percent: number): number {
  return percent === 0 ? 0 : Math.max(2, Math.round(100 / percent));
}

/** How many free runs `freeRuns` gives. */
export function freeRunCount(pieces: number, percent: number): number {
  const group = groupSize(percent);
  if (group === 0 || pieces <= group) return pieces > 0 ? 1 : 0;
  // The last group has no survivor, so that a run always reaches to the end.
  return Math.ceil(pieces / group);
}

/** The free runs, in the order of addresses. `percent` of survivors: 0 to 50. */
export function* freeRuns(pieces: number, percent: number, seed: number): Generator<FreeRun> {
  const group = groupSize(percent);
  const random = createRandom(seed);
  let first = 0;
  if (group > 0 && pieces > group) {
    const groups = Math.ceil(pieces / group) - 1;
    for (let i = 0; i < groups; i++) {
      const survivor = i * group + 1 + random.below(group - 1);
      yield { first, count: survivor - first };
      first = survivor + 1;
    }
  }
  if (pieces > first) yield { first, count: pieces - first };
}
