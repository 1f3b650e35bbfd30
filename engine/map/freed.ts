/**
 * Which slots of 2 MiB have lost their PTE table. The engine forgets freed tables; a watch on the one place where
 * entries of upper tables are written remembers them, so that they can be drawn. It costs nothing while nobody watches.
 */
import { LEVEL_PMD, PTRS_PER_TABLE } from "../mm/geometry.ts";
import type { TableStore } from "../mm/tables.ts";

export interface FreedWatch {
  /** What it remembers, so that an earlier moment can be restored (snapshot.ts). */
  readonly marks: ReadonlyMap<number, Uint8Array>;
  /** Has the slot (address / 2 MiB) had a table that it has no more? Tables of all processes count. */
  has(slot: number): boolean;
  /** Whether any of the 512 slots of a GiB is freed: lets a reader skip the GiB. */
  anyIn(gib: number): boolean;
}

/** The number of a slot: the indices of the entries that lead to it, from the root down. */
function slotNumber(tables: TableStore, pmdTable: number, index: number): number {
  let number = index;
  let weight = PTRS_PER_TABLE;
  for (let row = pmdTable; tables.parent[row] !== 0; row = tables.parent[row]) {
    number += tables.slot[row] * weight;
    weight *= PTRS_PER_TABLE;
  }
  return number;
}

/** Watches a store from now on. To be called once, before the first operation. */
export function watchFreed(tables: TableStore): FreedWatch {
  const byGib = new Map<number, Uint8Array>();
  const setChild = tables.setChild.bind(tables);
  tables.setChild = (row, index, entry) => {
    if (tables.level[row] === LEVEL_PMD) {
      const had = tables.child(row, index);
      if (had !== 0 && entry === 0) mark(slotNumber(tables, row, index), 1);
      else if (had === 0 && entry !== 0 && byGib.size > 0) mark(slotNumber(tables, row, index), 0);
    }
    setChild(row, index, entry);
  };

  function mark(slot: number, freed: 0 | 1): void {
    const gib = Math.floor(slot / PTRS_PER_TABLE);
    let marks = byGib.get(gib);
    if (marks === undefined) {
      if (freed === 0) return;
      marks = new Uint8Array(PTRS_PER_TABLE);
      byGib.set(gib, marks);
    }
    marks[slot % PTRS_PER_TABLE] = freed;
  }

  return {
    marks: byGib,
    has: (slot) => byGib.get(Math.floor(slot / PTRS_PER_TABLE))?.[slot % PTRS_PER_TABLE] === 1,
    anyIn: (gib) => byGib.has(gib),
  };
}
