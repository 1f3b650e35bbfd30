/** Seeded randomness for workloads and random scripts: the same seed gives the same numbers on every machine. */
import { Rng } from "../mm/rng.ts";

export type Random = Rng;

/** `seed`: a whole number from 0 to 2^53 - 1. */
export function createRandom(seed: number): Random {
  return new Rng(seed);
}

/**
 * A seeded permutation of 0 .. count-1 that needs no memory: a four-round Feistel network over the next even power of
 * two, walked until it lands inside. Returns the function from position to element.
 */
export function createPermutation(count: number, seed: number): (position: number) => number {
  let halfBits = 1;
  while (2 ** (2 * halfBits) < count) halfBits++;
  const half = 2 ** halfBits;
  const random = createRandom(seed);
  const keys = [random.uint32(), random.uint32(), random.uint32(), random.uint32()];
  const mix = (value: number, key: number): number => {
    let x = Math.imul(value ^ key, 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) % half;
  };
  return (position) => {
    let value = position;
    do {
      let left = Math.floor(value / half);
      let right = value % half;
      for (const key of keys) [left, right] = [right, (left ^ mix(right, key)) >>> 0];
      value = left * half + right;
    } while (value >= count);
    return value;
  };
}
