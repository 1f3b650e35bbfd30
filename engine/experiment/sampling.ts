/**
 * Where samples are taken: at operation counts that depend on nothing but the workload's length, so that the runs of
 * every mode have the same points and can be compared row by row.
 */

/** About how many samples a run of known length has (the first and the last included). */
export const SAMPLE_POINTS = 2000;

export interface SamplingPlan {
  /** The operation count at which the next sample is due; Infinity after the last planned one. */
  readonly next: number;
  /** Goes on to the following point; call it when `next` has been reached. */
  advance(): void;
}

/** Evenly spaced points from 0 to `total`, both included; every operation where there are fewer than `points`. */
function evenPlan(total: number, points: number): SamplingPlan {
  const intervals = Math.min(total, points);
  let index = 0;
  return {
    get next() {
      if (index > intervals) return Number.POSITIVE_INFINITY;
      return intervals === 0 ? 0 : Math.round((index * total) / intervals);
    },
    advance() {
      index++;
    },
  };
}

/**
 * For a stream whose length shows only at its end: every operation at first, and from `2 * points` operations on half
 * as often each time the count doubles. N operations give about `points * (1 + log2(N / points))` samples.
 */
function doublingPlan(points: number): SamplingPlan {
  let stride = 1;
  let next = 0;
  return {
    get next() {
      return next;
    },
    advance() {
      if (next >= 2 * points * stride) stride *= 2;
      next += stride;
    },
  };
}

/** The plan for a workload of `total` operations, or of unknown length (null). */
export function samplingPlan(total: number | null, points: number = SAMPLE_POINTS): SamplingPlan {
  return total === null ? doublingPlan(points) : evenPlan(total, points);
}
