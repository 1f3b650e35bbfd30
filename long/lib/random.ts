/** Randomness of the long lane: everything comes from one seed that is printed, so that a failure can be replayed. */
import { createRandom } from "../../engine/workload/random.ts";

export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, below). */
  below(below: number): number;
  /** A whole number in [from, to]. */
  between(from: number, to: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
}

/** Mixes words into one 32-bit seed. */
export function mixSeed(...parts: readonly (number | string)[]): number {
  let hash = 0x811c9dc5;
  for (const character of parts.join("\0")) {
    hash ^= character.codePointAt(0) ?? 0;
    hash = Math.imul(hash, 0x01000193);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** The program's own generator, with what random use of it needs. */
export function seeded(seed: number): Random {
  const random = createRandom(seed >>> 0);
  const below = (limit: number): number => random.below(limit);
  return {
    next: () => random.float(),
    below,
    between: (from, to) => from + below(to - from + 1),
    chance: (probability) => random.chance(probability),
    pick: (from) => {
      if (from.length === 0) throw new Error("nothing to pick from");
      return from[below(from.length)] as (typeof from)[number];
    },
  };
}
