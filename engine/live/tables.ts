/**
 * The equation: VmPTE is all page tables, the scan shows those that hold something and (by kernel) those that hold
 * nothing, and the upper tables are bounded by what lies below them.
 *
 *     empty = VmPTE / 4 kB - upper tables - in use - deposited - pinned
 */
import {
  FILE_FLAG,
  type Look,
  type Pass,
  PMD_TABLES_PER_PUD_TABLE,
  type Runs,
  STATE,
  stateOf,
  TABLE_KB,
  WINDOWS_PER_PMD_TABLE,
} from "./look.ts";

export interface Tables {
  readonly upper: { readonly min: number; readonly max: number };
  /** An entry is present or swapped; sparse and shared ones too. */
  readonly in_use: number;
  /** 1 to 31 entries of 512. */
  readonly sparse: number;
  readonly deposited: number;
  readonly pinned: number;
  /** The same 2 MiB of a file or shared memory has a table in another process too. */
  readonly shared: number;
  readonly empty: { readonly min: number; readonly estimate: number; readonly max: number };
}

/** Tables of one pass by state. */
interface Counts {
  inUse: number;
  sparse: number;
  deposited: number;
  pinned: number;
  empty: number;
  maybeEmpty: number;
  /** PMD and PUD tables that something below proves. */
  upper: number;
}

function count(runs: Runs): Counts {
  const counts = { inUse: 0, sparse: 0, deposited: 0, pinned: 0, empty: 0, maybeEmpty: 0, upper: 0 };
  let gib = -1;
  let halfTib = -1;
  for (let i = 0; i < runs.length; i++) {
    const windows = runs.windows[i];
    const state = stateOf(runs.state[i]);
    if (state === STATE.empty) counts.empty += windows;
    else if (state === STATE.pinned) counts.pinned += windows;
    else if (state === STATE.deposited) counts.deposited += windows;
    else if (state === STATE.maybe_empty) counts.maybeEmpty += windows;
    else if (state !== STATE.huge) counts.inUse += windows;
    if (state === STATE.sparse) counts.sparse += windows;
    if (state === STATE.maybe_empty) continue;
    const first = Math.floor(runs.window[i] / WINDOWS_PER_PMD_TABLE);
    const last = Math.floor((runs.window[i] + windows - 1) / WINDOWS_PER_PMD_TABLE);
    // A GiB that is huge pages throughout may be one page of 1 GiB, which needs no PMD table.
    if (state !== STATE.huge || windows < WINDOWS_PER_PMD_TABLE) {
      counts.upper += last - Math.max(first, gib + 1) + 1;
      gib = last;
    }
    const firstPud = Math.floor(first / PMD_TABLES_PER_PUD_TABLE);
    const lastPud = Math.floor(last / PMD_TABLES_PER_PUD_TABLE);
    counts.upper += lastPud - Math.max(firstPud, halfTib + 1) + 1;
    halfTib = lastPud;
  }
  return counts;
}

/** Windows that were in the same kind of state in every pass: what did not move while it was looked at. */
function steady(passes: readonly Pass[], same: (state: number) => boolean): number {
  const [first, ...others] = passes;
  let stretches = stretchesOf(first.runs, same);
  for (const { runs } of others) stretches = overlap(stretches, stretchesOf(runs, same));
  return stretches.reduce((sum, [start, end]) => sum + end - start, 0);
}

type Stretch = readonly [start: number, end: number];

function stretchesOf(runs: Runs, same: (state: number) => boolean): Stretch[] {
  const stretches: Stretch[] = [];
  for (let i = 0; i < runs.length; i++)
    if (same(stateOf(runs.state[i]))) stretches.push([runs.window[i], runs.window[i] + runs.windows[i]]);
  return stretches;
}

function overlap(a: readonly Stretch[], b: readonly Stretch[]): Stretch[] {
  const both: Stretch[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const start = Math.max(a[i][0], b[j][0]);
    const end = Math.min(a[i][1], b[j][1]);
    if (start < end) both.push([start, end]);
    if (a[i][1] < b[j][1]) i++;
    else j++;
  }
  return both;
}

const IN_USE = new Set([STATE.sparse, STATE.partly, STATE.full, STATE.unseen]);

/**
 * The tables of a process. `shared` comes from a comparison with other processes (shared.ts). The bounds of `empty` hold
 * for every moment of the look: of a process that moved, what was the same in every pass counts for them.
 */
export function tablesOf(look: Look, shared = 0): Tables {
  const last = look.passes[look.passes.length - 1];
  const now = count(last.runs);
  const all = [look.before, ...look.passes.map(({ after }) => after)].map(({ vmpteKb }) => vmpteKb / TABLE_KB);
  const most = Math.max(...all);
  const least = Math.min(...all);
  const moved = !look.still || look.passes.length > 1;
  const held = moved
    ? {
        empty: steady(look.passes, (state) => state === STATE.empty),
        inUse: steady(look.passes, (state) => IN_USE.has(state)),
        pinned: steady(look.passes, (state) => state === STATE.pinned),
        deposited: steady(look.passes, (state) => state === STATE.deposited),
        upper: Math.min(...look.passes.map(({ runs }) => count(runs).upper)),
      }
    : now;
  const max = Math.max(0, most - held.upper - held.inUse - held.pinned - held.deposited);
  const spans = Math.max(...look.passes.map(({ gibSpans, halfTibSpans }) => gibSpans + halfTibSpans));
  const proven =
    look.means === "exact" ? held.empty : moved ? 0 : least - spans - now.inUse - now.pinned - now.deposited;
  const min = Math.min(max, Math.max(0, proven));
  const guess = look.means === "blind" ? max : now.empty + now.maybeEmpty * look.stride;
  return {
    upper: {
      min: held.upper,
      max: Math.max(held.upper, Math.min(spans, most - held.inUse - held.pinned - held.deposited - min)),
    },
    in_use: now.inUse,
    sparse: now.sparse,
    deposited: now.deposited,
    pinned: now.pinned,
    shared,
    empty: { min, estimate: Math.min(max, Math.max(min, guess)), max },
  };
}

/** Is this run of tables one that other processes may have too? */
export function isOfFile(state: number): boolean {
  return (state & FILE_FLAG) !== 0;
}
