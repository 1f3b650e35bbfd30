/** What the engine knows of a process that a conformance script made: the truth that a look is held against. */
import { LEVEL_PTE, PTRS_PER_TABLE } from "../engine/mm/geometry.ts";
import { KIND_MARKER_GUARD, KIND_MARKER_POISON, KIND_MARKER_UFFD_WP, pteKind } from "../engine/mm/pte.ts";
import type { KernelState, Mm } from "../engine/mm/state.ts";
import { TABLE_DEPOSITED } from "../engine/mm/tables.ts";

export interface Truth {
  in_use: number;
  sparse: number;
  deposited: number;
  pinned: number;
  empty: number;
  upper: number;
}

const MARKERS = new Set([KIND_MARKER_UFFD_WP, KIND_MARKER_GUARD, KIND_MARKER_POISON]);
const SPARSE_BELOW = 32;

/** Counts the tables of a process by what is in them. */
export function truthOf({ tables }: KernelState, mm: Mm): Truth {
  const truth: Truth = { in_use: 0, sparse: 0, deposited: 0, pinned: 0, empty: 0, upper: 0 };
  const visitPte = (row: number): void => {
    if (tables.count[row] === 0) {
      truth.empty++;
      return;
    }
    let real = 0;
    for (let index = 0; index < PTRS_PER_TABLE; index++) {
      const pte = tables.pte(row, index);
      if (pte !== 0 && !MARKERS.has(pteKind(pte))) real++;
    }
    if (real === 0) truth.pinned++;
    else truth.in_use++;
    if (real > 0 && real < SPARSE_BELOW) truth.sparse++;
  };
  const visit = (row: number): void => {
    for (
      let i = tables.nextChild(row, 0, PTRS_PER_TABLE);
      i < PTRS_PER_TABLE;
      i = tables.nextChild(row, i + 1, PTRS_PER_TABLE)
    ) {
      const child = tables.child(row, i);
      if (child < 0) {
        if (tables.state[-child] === TABLE_DEPOSITED) truth.deposited++;
      } else if (tables.level[child] === LEVEL_PTE) {
        visitPte(child);
      } else {
        visit(child);
      }
    }
  };
  visit(mm.pgd);
  truth.upper = mm.pmds + mm.puds;
  return truth;
}

/** A process whose tables are these is counted as the probe that it is: three tables of its own, one of them in use. */
export const OWN = { in_use: 1, upper: 2 } as const;
