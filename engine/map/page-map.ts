/**
 * The page tables of a process as a picture: its mapped address space in slots of 2 MiB (what one PTE table maps), one
 * after the other without the gaps between mappings, and in each slot the state of its table.
 */
import { LEVEL_PMD, PMD_PAGES, PTRS_PER_TABLE } from "../mm/geometry.ts";
import { KIND_ANON, KIND_FILE, KIND_SWAP, KIND_ZERO, pteKind } from "../mm/pte.ts";
import type { KernelState, Mm } from "../mm/state.ts";
import type { FreedWatch } from "./freed.ts";

/** What a slot's table is; the order is that of `counts`. `none`: never had one, or mapped anew. */
export const SLOT_STATES = ["full", "partly", "empty", "huge", "freed", "none"] as const;

const FULL = 0;
const PARTLY = 1;
const EMPTY = 2;
const HUGE = 3;
const FREED = 4;
const NONE = 5;

/** A stretch of slots without a gap: mappings that touch, or share a slot, are one. */
export interface Segment {
  /** Number of the first slot: its address / 2 MiB. */
  readonly slot: number;
  readonly slots: number;
}

export interface PageMap {
  readonly segments: readonly Segment[];
  /** Slots of all segments together. */
  readonly total: number;
  /** The part that `counts` is about, in slots of the segments laid end to end. */
  readonly from: number;
  readonly count: number;
  readonly cells: number;
  /** cells x SLOT_STATES: how many slots of a cell are in which state. */
  readonly counts: Uint32Array<ArrayBuffer>;
}

/** The slots that the mappings of a process lie in. */
export function segmentsOf(mm: Mm): Segment[] {
  const segments: { slot: number; slots: number }[] = [];
  for (const vma of mm.vmas.list) {
    const slot = Math.floor(vma.start / PMD_PAGES);
    const end = Math.ceil(vma.end / PMD_PAGES);
    const last = segments.at(-1);
    if (last && slot <= last.slot + last.slots) last.slots = Math.max(last.slots, end - last.slot);
    else segments.push({ slot, slots: end - slot });
  }
  return segments;
}

/** The row of the PMD table of a GiB, 0 if there is none. */
function pmdTableOf({ tables }: KernelState, mm: Mm, gib: number): number {
  let row = mm.pgd;
  for (let level = tables.level[row]; level > LEVEL_PMD; level--) {
    const index = Math.floor(gib / PTRS_PER_TABLE ** (level - LEVEL_PMD - 1)) % PTRS_PER_TABLE;
    row = tables.child(row, index);
    if (row <= 0) return 0;
  }
  return row;
}

/**
 * Reads `count` slots from `from` on into at most `cells` cells of equally many slots each (the last may have fewer).
 * Bounds beyond the end are cut; count 0 is all there is.
 */
export function readPageMap(
  state: KernelState,
  mm: Mm,
  freed: FreedWatch,
  window: { readonly from: number; readonly count: number; readonly cells: number },
): PageMap {
  const segments = segmentsOf(mm);
  const total = segments.reduce((sum, segment) => sum + segment.slots, 0);
  const from = Math.min(window.from, Math.max(0, total - 1));
  const count = Math.min(window.count === 0 ? total : window.count, total - from);
  const perCell = Math.max(1, Math.ceil(count / window.cells));
  const cells = Math.ceil(count / perCell);
  const counts = new Uint32Array(cells * SLOT_STATES.length);
  let passed = 0;
  for (const { slot, slots } of segments) {
    const first = Math.max(0, from - passed);
    const end = Math.min(slots, from + count - passed);
    if (first < end) readSlots(slot + first, slot + end, passed + first - from);
    passed += slots;
  }

  function readSlots(start: number, end: number, index: number): void {
    const { tables } = state;
    // No division a slot: there are tens of millions of them.
    let cell = Math.floor(index / perCell) * SLOT_STATES.length;
    let left = perCell - (index % perCell);
    for (let slot = start; slot < end; ) {
      const gib = Math.floor(slot / PTRS_PER_TABLE);
      const stop = Math.min(end, (gib + 1) * PTRS_PER_TABLE);
      const pmd = pmdTableOf(state, mm, gib);
      const anyFreed = freed.anyIn(gib);
      for (; slot < stop; slot++) {
        const entry = pmd === 0 ? 0 : tables.child(pmd, slot % PTRS_PER_TABLE);
        let what = NONE;
        if (entry < 0) what = HUGE;
        else if (entry > 0) {
          const used = tables.count[entry];
          what = used === 0 ? EMPTY : used === PTRS_PER_TABLE ? FULL : PARTLY;
        } else if (anyFreed && freed.has(slot)) what = FREED;
        counts[cell + what]++;
        if (--left === 0) {
          left = perCell;
          cell += SLOT_STATES.length;
        }
      }
    }
  }

  return { segments, total, from, count, cells, counts };
}

/** The entries of a slot's table: 0 none, 1 a page, 2 the zero page, 3 swap, 4 other; null where there is no PTE table. */
export function readTable(state: KernelState, mm: Mm, slot: number): Uint8Array<ArrayBuffer> | null {
  const { tables } = state;
  const pmd = pmdTableOf(state, mm, Math.floor(slot / PTRS_PER_TABLE));
  const row = pmd === 0 ? 0 : tables.child(pmd, slot % PTRS_PER_TABLE);
  if (row <= 0) return null;
  return Uint8Array.from({ length: PTRS_PER_TABLE }, (_, index) => {
    const pte = tables.pte(row, index);
    if (pte === 0) return 0;
    const kind = pteKind(pte);
    if (kind === KIND_ANON || kind === KIND_FILE) return 1;
    return kind === KIND_ZERO ? 2 : kind === KIND_SWAP ? 3 : 4;
  });
}
