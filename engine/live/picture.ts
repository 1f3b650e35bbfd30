/**
 * The tables of a process as cells to draw: its windows of 2 MiB that have one, laid end to end, and in each cell how many
 * are in which state. The states and their order are those of the map of runs.
 */
import type { PageMap } from "../map/page-map.ts";
import { type Look, type Runs, STATE, stateOf } from "./look.ts";

/** full, partly used, empty, huge page, freed, no table. */
const PICTURE_STATES = 6;
const [FULL, PARTLY, EMPTY, HUGE, NONE] = [0, 1, 2, 3, 5];

/** Stretches with nothing in them are left out from this many windows on (64 MiB). */
const GAP_WINDOWS = 32;

/** `counts` are cells x PICTURE_STATES. */
export type Picture = PageMap;

function drawnAs(state: number): number {
  switch (stateOf(state)) {
    case STATE.full:
      return FULL;
    case STATE.empty:
    case STATE.maybe_empty:
      return EMPTY;
    case STATE.deposited:
    case STATE.huge:
      return HUGE;
    default:
      return PARTLY;
  }
}

/** Stretches of the address space in which there are tables. */
function segmentsOf(runs: Runs): { slot: number; slots: number }[] {
  const segments: { slot: number; slots: number }[] = [];
  for (let i = 0; i < runs.length; i++) {
    const slot = runs.window[i];
    const end = slot + runs.windows[i];
    const last = segments.at(-1);
    if (last !== undefined && slot - (last.slot + last.slots) < GAP_WINDOWS) last.slots = end - last.slot;
    else segments.push({ slot, slots: end - slot });
  }
  return segments;
}

/** `count` windows from `from` on, counted along the segments, in at most `cells` cells; count 0: all. */
export function pictureOf(
  { passes }: Look,
  part: { readonly from: number; readonly count: number; readonly cells: number },
): Picture {
  const { runs } = passes[passes.length - 1];
  const segments = segmentsOf(runs);
  const total = segments.reduce((sum, { slots }) => sum + slots, 0);
  const from = Math.min(part.from, Math.max(0, total - 1));
  const count = Math.min(part.count === 0 ? total : part.count, total - from);
  const perCell = Math.max(1, Math.ceil(count / part.cells));
  const cells = Math.ceil(count / perCell);
  const counts = new Uint32Array(cells * PICTURE_STATES);
  const add = (state: number, first: number, end: number): void => {
    for (let at = Math.max(first, from); at < Math.min(end, from + count); ) {
      const cell = Math.floor((at - from) / perCell);
      const stop = Math.min(end, from + count, from + (cell + 1) * perCell);
      counts[cell * PICTURE_STATES + state] += stop - at;
      at = stop;
    }
  };
  let run = 0;
  let passed = 0;
  for (const { slot, slots } of segments) {
    let at = slot;
    for (; run < runs.length && runs.window[run] < slot + slots; run++) {
      const start = runs.window[run];
      add(NONE, passed + at - slot, passed + start - slot);
      at = start + runs.windows[run];
      add(drawnAs(runs.state[run]), passed + start - slot, passed + at - slot);
    }
    passed += slots;
  }
  return { segments, total, from, count, cells, counts };
}
