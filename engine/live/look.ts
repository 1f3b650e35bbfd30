/**
 * What a look at a running process brings home (probe/src/look.h): its address space in windows of 2 MiB, which is what
 * one PTE table maps, and in each the state of its table. Addresses are bytes; all are multiples of 4096, so that
 * numbers hold them exactly also with 5 levels.
 */
import { PAGE_SIZE, PMD_PAGES, PTRS_PER_TABLE, TABLE_KB } from "../mm/geometry.ts";

export { TABLE_KB };

/** What a window has; the numbers are the probe's. `huge`: a file's 2 MiB mapped by one entry of the PMD table, no PTE table. */
export const WINDOW_STATES = [
  "none",
  "empty",
  "sparse",
  "partly",
  "full",
  "pinned",
  "deposited",
  "huge",
  "unseen",
  "maybe_empty",
] as const;
export type WindowState = (typeof WINDOW_STATES)[number];
export const STATE = Object.fromEntries(WINDOW_STATES.map((name, index) => [name, index])) as Readonly<
  Record<WindowState, number>
>;
/** Added to sparse, partly, full: every entry is a page of one file (or shared memory) at one place of it. */
export const FILE_FLAG = 0x10;
export const stateOf = (value: number): number => value & (FILE_FLAG - 1);

/** What one PTE table maps. */
export const WINDOW_BYTES = PMD_PAGES * PAGE_SIZE;
/** Windows that one PMD table maps: 1 GiB; PMD tables that one PUD table maps. */
export const WINDOWS_PER_PMD_TABLE = PTRS_PER_TABLE;
export const PMD_TABLES_PER_PUD_TABLE = PTRS_PER_TABLE;

/** Runs of windows that are alike, in the order of their addresses; windows without table and huge page are left out. */
export interface Runs {
  readonly length: number;
  /** Address / 2 MiB of the first. */
  readonly window: Float64Array;
  readonly windows: Uint32Array;
  readonly state: Uint8Array;
  /** Which mapping, by its number in `Pass.mappings`: the one with the most entries in the window. */
  readonly mapping: Uint32Array;
}

/** A line of /proc/PID/maps. */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  /** "rwxp", "r--s". */
  readonly permissions: string;
  readonly offset: number;
  /** "MAJOR:MINOR:INODE", decimal; null: anonymous memory. */
  readonly file: string | null;
  /** As the kernel names it; "" for anonymous memory without a name. */
  readonly name: string;
}

/** What /proc/PID/status and stat said. */
export interface Seen {
  readonly vmpteKb: number;
  readonly rssKb: number;
  readonly virtKb: number;
  readonly swapKb: number;
  readonly minorFaults: number;
}

/** One pass over a process. */
export interface Pass {
  readonly runs: Runs;
  /** Those that runs name, and the one after each, by number. */
  readonly mappings: ReadonlyMap<number, Mapping>;
  /** Stretches of 1 GiB and of 512 GiB that a mapping overlaps: at most so many PMD and PUD tables. */
  readonly gibSpans: number;
  readonly halfTibSpans: number;
  readonly after: Seen;
}

/**
 * How empty tables were told from none: `exact`: a scan shows them; `timed`: by the time of a scan, every `stride`-th
 * window; `blind`: not at all.
 */
export type LookMeans = "exact" | "timed" | "blind";

export interface Look {
  readonly pid: number;
  readonly name: string;
  readonly before: Seen;
  readonly passes: readonly Pass[];
  /** Nothing of what the kernel counts changed during the last pass. */
  readonly still: boolean;
  readonly means: LookMeans;
  readonly stride: number;
  readonly tookMs: number;
}

/** Why a process was not looked at. `denied`: another user's; `no memory`: a kernel thread or a zombie. */
export type NoLook = {
  readonly pid: number;
  readonly why: "gone" | "denied" | "no memory";
  readonly before: Seen | null;
};

export function isLook(look: Look | NoLook): look is Look {
  return "passes" in look;
}
