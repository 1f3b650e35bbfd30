/**
 * Seeded randomness for workloads: the same seed gives the same numbers on every machine.
 * sfc32 (Chris Doty-Humphrey's Small Fast Counter), 32-bit integer arithmetic only.
 */
export interface Random {
  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number;
  /** A whole number from 0 to limit - 1; limit is 1 to 2^53 - 1. */
  below(limit: number): number;
}

export function createRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed >>> 0;
  let counter = Math.floor(seed / 2 ** 32) >>> 0 || 1;
  const uint32 = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  };
  for (let round = 0; round < 12; round++) uint32();
  return {
    uint32,
    below(limit) {
      if (limit <= 2 ** 32) return Math.floor((uint32() / 2 ** 32) * limit);
      return (uint32() * 2 ** 21 + (uint32() >>> 11)) % limit;
    },
  };
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
