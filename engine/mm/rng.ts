/**
 * The seeded random number generator of the kernel, workloads, random scripts and tests. It is sfc32
 * (Chris Doty-Humphrey's Small Fast Counter): 32-bit integer arithmetic only, so that a seed gives the same numbers on
 * every machine. Histories refer to preset runs by seed: the sequence must not change.
 */
export class Rng {
  private a = 0x9e3779b9 | 0;
  private b = 0x243f6a88;
  private c: number;
  private counter: number;

  /** `seed`: a whole number from 0 to 2^53 - 1. */
  constructor(seed: number) {
    this.c = seed >>> 0;
    this.counter = Math.floor(seed / 2 ** 32) >>> 0 || 1;
    for (let round = 0; round < 12; round++) this.uint32();
  }

  /** A whole number in [0, 2^32). */
  uint32(): number {
    const { a, b, c, counter } = this;
    const result = (a + b + counter) | 0;
    this.counter = (counter + 1) | 0;
    this.a = b ^ (b >>> 9);
    this.b = (c + (c << 3)) | 0;
    this.c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** A number in [0, 1). */
  float(): number {
    return this.uint32() / 2 ** 32;
  }

  /** A whole number in [0, limit); limit is 1 to 2^53 - 1. */
  below(limit: number): number {
    if (limit <= 2 ** 32) return Math.floor(this.float() * limit);
    return (this.uint32() * 2 ** 21 + (this.uint32() >>> 11)) % limit;
  }

  /** True with the given probability; draws nothing where it is 0. */
  chance(probability: number): boolean {
    return probability > 0 && this.float() < probability;
  }
}
