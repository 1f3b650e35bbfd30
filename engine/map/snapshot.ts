/**
 * A copy of all that objects hold, to be put back later: how a modelled kernel goes back to a moment that it has passed.
 * Everything that can be reached is copied, with its prototype and its identity (two references to one thing are so again);
 * typed arrays are packed. Functions are not copied: they stay what they were. Private (#) fields and weak collections are
 * out of reach, so nothing that a kernel's state holds may have them.
 */
import { type PackableArray, Packed } from "./packed.ts";

export interface Snapshot {
  /** About how much memory it holds, in bytes. */
  readonly bytes: number;
  /** Puts everything back, as often as it is called. What was reached from the kept objects meanwhile is theirs no more. */
  restore(): void;
}

const OBJECT_BYTES = 64;
const ENTRY_BYTES = 16;

type Fields = Record<string, unknown>;
type Copy = (value: unknown, before?: unknown) => unknown;

function isPackable(value: object): value is PackableArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** An object of the same kind without contents. */
function emptyLike(original: object): object {
  if (Array.isArray(original)) return [];
  if (original instanceof Map) return new Map();
  if (original instanceof Set) return new Set();
  if (original instanceof WeakMap || original instanceof WeakSet) throw new Error("a weak collection cannot be copied");
  return Object.create(Object.getPrototypeOf(original)) as object;
}

/** Fills `to`, which is of the same kind, with copies of what `from` holds; gives how many things these are. */
function fill(to: object, from: object, copy: Copy): number {
  if (Array.isArray(from)) {
    const list = to as unknown[];
    list.length = 0;
    for (const item of from) list.push(copy(item));
    return from.length;
  }
  if (from instanceof Map) {
    const map = to as Map<unknown, unknown>;
    map.clear();
    for (const [key, value] of from) map.set(copy(key), copy(value));
    return from.size;
  }
  if (from instanceof Set) {
    const set = to as Set<unknown>;
    set.clear();
    for (const value of from) set.add(copy(value));
    return from.size;
  }
  const keys = Object.keys(from);
  for (const key of keys) {
    const before = (to as Fields)[key];
    const value = copy((from as Fields)[key], before);
    if (value !== before || !(key in to)) (to as Fields)[key] = value;
  }
  return keys.length;
}

/** `leaf`: what takes the place of something that is not copied field by field. `filled` hears of every other copy. */
function copier(
  stay: ReadonlySet<object>,
  leaf: (value: object, before: unknown) => object | undefined,
  filled: (entries: number) => void,
): Copy {
  const copies = new Map<object, object>();
  const copy: Copy = (value, before) => {
    if (typeof value !== "object" || value === null || stay.has(value)) return value;
    const known = copies.get(value);
    if (known !== undefined) return known;
    const whole = leaf(value, before);
    const made = whole ?? emptyLike(value);
    copies.set(value, made);
    if (whole === undefined) filled(fill(made, value, copy));
    return made;
  };
  return copy;
}

/** The contents of each, and about how much memory they take. A function of its own: what it goes through is not held on to. */
function save(kept: readonly object[]): { readonly saved: readonly object[]; readonly bytes: number } {
  let bytes = 0;
  const count = (entries: number): void => {
    bytes += OBJECT_BYTES + entries * ENTRY_BYTES;
  };
  const freeze = copier(
    new Set(kept),
    (value) => {
      if (!isPackable(value)) return undefined;
      const packed = new Packed(value);
      bytes += OBJECT_BYTES + packed.bytes;
      return packed;
    },
    count,
  );
  const saved = kept.map((object) => {
    const contents = emptyLike(object);
    count(fill(contents, object, freeze));
    return contents;
  });
  return { saved, bytes };
}

/**
 * Copies what `kept` hold. These objects themselves stay the same ones, whoever else has them: their contents are put back
 * into them. List every object that somebody outside keeps hold of. Typed arrays that they hold directly are
 * stores that grow: one that has grown since stays as long as it is, with zeros after what was there.
 */
export function takeSnapshot(kept: readonly object[]): Snapshot {
  const { saved, bytes } = save(kept);
  return {
    bytes,
    restore() {
      const thaw = copier(
        new Set(kept),
        (value, before) => (value instanceof Packed ? value.unpack(before) : undefined),
        () => undefined,
      );
      for (const [i, object] of kept.entries()) fill(object, saved[i], thaw);
    },
  };
}
