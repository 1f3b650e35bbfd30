/** Which mappings hold the tables of a process. */
import { type Look, type Mapping, type Pass, STATE, stateOf } from "./look.ts";

export interface MappingTables {
  readonly start: number;
  readonly end: number;
  /** A file, the kernel's name in brackets, an allocator's arena, or "[anonymous]". */
  readonly name: string;
  readonly in_use: number;
  readonly sparse: number;
  readonly deposited: number;
  readonly pinned: number;
  readonly empty: number;
}

const MIB = 2 ** 20;
/** glibc's HEAP_MAX_SIZE on 64 bits: an arena's heap is aligned to it, and what it does not use yet is inaccessible. */
const GLIBC_HEAP = 64 * MIB;
/** Where Go's runtime puts its first arena (runtime/malloc.go: 0x00c0<<32); those after it follow without a gap. */
const GO_HEAP = 0xc000000000;

/** A name that says what the memory is for, where that can be seen. `next`: the mapping after it. */
export function nameOf(mapping: Mapping, next: Mapping | undefined): string {
  if (mapping.name !== "") return mapping.name;
  const { start, end } = mapping;
  if (start === GO_HEAP) return "[anonymous: Go heap]";
  const rest =
    next !== undefined && next.start === end && next.permissions.startsWith("---") && next.end === start + GLIBC_HEAP;
  if (start % GLIBC_HEAP === 0 && rest) return "[anonymous: glibc arena]";
  return "[anonymous]";
}

/** The mappings that hold tables, by address. A table that several mappings lie in counts for one of them. */
export function mappingsOf(look: Look): MappingTables[] {
  const { runs, mappings }: Pass = look.passes[look.passes.length - 1];
  const held = new Map<number, { -readonly [K in keyof MappingTables]: MappingTables[K] }>();
  for (let i = 0; i < runs.length; i++) {
    const state = stateOf(runs.state[i]);
    const mapping = mappings.get(runs.mapping[i]);
    if (mapping === undefined || state === STATE.huge) continue;
    let row = held.get(runs.mapping[i]);
    if (row === undefined) {
      const name = nameOf(mapping, mappings.get(runs.mapping[i] + 1));
      row = { start: mapping.start, end: mapping.end, name, in_use: 0, sparse: 0, deposited: 0, pinned: 0, empty: 0 };
      held.set(runs.mapping[i], row);
    }
    const tables = runs.windows[i];
    if (state === STATE.empty) row.empty += tables;
    else if (state === STATE.maybe_empty) row.empty += tables * look.stride;
    else if (state === STATE.pinned) row.pinned += tables;
    else if (state === STATE.deposited) row.deposited += tables;
    else row.in_use += tables;
    if (state === STATE.sparse) row.sparse += tables;
  }
  return [...held.values()].sort((a, b) => a.start - b.start);
}

/** Mappings of one name together, the ones with the most tables first: for people. */
export function mappingsByName(rows: readonly MappingTables[]): (MappingTables & { readonly mappings: number })[] {
  const named = new Map<string, MappingTables & { readonly mappings: number }>();
  for (const row of rows) {
    const before = named.get(row.name);
    named.set(
      row.name,
      before === undefined
        ? { ...row, mappings: 1 }
        : {
            ...before,
            end: row.end,
            in_use: before.in_use + row.in_use,
            sparse: before.sparse + row.sparse,
            deposited: before.deposited + row.deposited,
            pinned: before.pinned + row.pinned,
            empty: before.empty + row.empty,
            mappings: before.mappings + 1,
          },
    );
  }
  return [...named.values()].sort((a, b) => tablesIn(b) - tablesIn(a));
}

/** PTE tables of a mapping, whatever is in them. */
export function tablesIn(row: Pick<MappingTables, "in_use" | "deposited" | "pinned" | "empty">): number {
  return row.in_use + row.deposited + row.pinned + row.empty;
}
