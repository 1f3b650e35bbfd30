import type { NumberParam, PresetInfo } from "../../experiment/params.ts";
import type { Params } from "../../experiment/types.ts";
import type { Operation } from "../operation.ts";
import { GIB, PAGE, TIB } from "../sizes.ts";

/** A built-in workload. The same parameters and seed give the same operations, always. */
export interface Preset extends PresetInfo {
  /** How many operations `operations` will yield. */
  operationCount(params: Params): number;
  /** The operations, made one at a time. `params` must have passed validateParams. */
  operations(params: Params, seed: number): Iterable<Operation>;
}

/**
 * Where the libraries of the start-up image begin (engine/mm/image.ts). Large mappings end there, as a top-down mmap places
 * them; being at a multiple of 1 GiB, a mapping of N GiB needs N PMD tables.
 */
const LIBRARIES = 127 * TIB + 900 * GIB;
/** The program and its heap (position-independent, at 0x5555_5555_4000) keep everything below this free. */
const BELOW_PROGRAM = 0x5000_0000_0000;
/** Where arenas too large for the gap between program and libraries start: 16 TiB. */
export const LOW_ARENA = 16 * TIB;

/**
 * An address for a mapping of `size` bytes: 1 GiB aligned, below the libraries where it fits there.
 * Throws RangeError where no place is left (above 64 TiB); the parameters' bounds keep presets from that.
 */
export function arenaFor(size: number): number {
  const whole = Math.ceil(size / GIB) * GIB;
  if (whole <= 32 * TIB) return LIBRARIES - whole;
  if (LOW_ARENA + whole <= BELOW_PROGRAM) return LOW_ARENA;
  throw new RangeError(`no room for a mapping of ${size} bytes in a 47-bit address space`);
}

/** A numeric parameter's value. */
export function num(params: Params, name: string): number {
  const value = params[name];
  if (typeof value !== "number")
    throw new TypeError(`parameter ${name} is not a number; validate the parameters first`);
  return value;
}

/** A choice's value. */
export function choice(params: Params, name: string): string {
  const value = params[name];
  if (typeof value !== "string")
    throw new TypeError(`parameter ${name} is not a choice; validate the parameters first`);
  return value;
}

type Bounds = Pick<NumberParam, "min" | "max" | "default"> & Partial<Pick<NumberParam, "multipleOf" | "atMost">>;

/** A parameter in bytes, whole pages. */
export function bytesParam(name: string, label: string, description: string, bounds: Bounds): NumberParam {
  return { name, label, description, type: "bytes", multipleOf: PAGE, ...bounds };
}

/** A parameter that counts something. */
export function countParam(name: string, label: string, description: string, bounds: Bounds): NumberParam {
  return { name, label, description, type: "count", ...bounds };
}
