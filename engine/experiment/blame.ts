/** Blame for empty page tables: the types and words that run, command line and window share. */
import { formatCount, formatNumberOf } from "./format.ts";
import { DEFAULT_BASELINE } from "./policies.ts";

export interface BlameEntry {
  /** Where the call was made: functions, the outermost first; empty where the trace has no stacks. */
  readonly stack: string[];
  /** Why the tables are still there. */
  readonly reason: string;
  readonly tables: number;
  readonly kb: number;
}

const REASONS: Readonly<Record<string, string>> = {
  below_table: "released in chunks smaller than the 2 MiB of a table",
  unaligned: "released in a chunk that begins or ends inside the table",
  split_vma: "two mappings share the table",
  later: "stays until a scan or a request finds it, and while two mappings share it",
  no_reclaim: "released completely; stays without reclaim",
  munmap_of_a_part: "a part was unmapped, and something else is mapped in the same 2 MiB",
  mmap: "a part was replaced by another mapping (MAP_FIXED)",
  mremap: "moved elsewhere",
  touch: "an access that failed",
  truncate: "its file was shortened",
  punch: "its file was released",
  snapshot: "empty already when it was looked at",
};

/** The reason of tables that a look at a running process found empty. */
const FOUND = "snapshot";

/** A reason in words. */
export function blameReason(reason: string): string {
  return Object.hasOwn(REASONS, reason) ? REASONS[reason] : reason.replaceAll("_", " ");
}

/** What of a stored run's blame is told: a kernel that reclaims is looked at in the end, one that does not at its peak. */
interface BlamedRun {
  readonly source: string;
  readonly mode: string;
  readonly status: string;
  readonly summary: {
    readonly blame?: { readonly peak: BlameEntry[]; readonly end: BlameEntry[] };
  } | null;
}

/**
 * The blame of an experiment: of the run under its baseline at the peak of VmPTE, where it is there, else of the first run in the
 * end. Null where no run of the model has one.
 */
export function blameOf({ runs }: { readonly runs: readonly BlamedRun[] }): readonly BlameEntry[] | null {
  const done = runs.filter(({ source, status }) => source === "model" && status === "done");
  const none = done.find(({ mode }) => mode === DEFAULT_BASELINE)?.summary?.blame?.peak;
  return none ?? done.find(({ summary }) => summary?.blame)?.summary?.blame?.end ?? null;
}

/** A stack of which nothing is known. */
const UNKNOWN_STACK = "(no stack in the trace)";

/** What could not be told of stacks, in a sentence; null where all is known. */
export function blameGaps(blame: readonly BlameEntry[]): string | null {
  const count = (entries: readonly BlameEntry[]): number => entries.reduce((sum, { tables }) => sum + tables, 0);
  const found = count(blame.filter(({ reason }) => reason === FOUND));
  const all = count(blame) - found;
  const tables = count(blame.filter(({ stack, reason }) => stack.length === 0 && reason !== FOUND));
  const tablesOf = (number: number): string => formatNumberOf(number, "table");
  const before =
    found === 0
      ? ""
      : `${tablesOf(found)} ${found === 1 ? "was" : "were"} found empty when the process was looked at: the calls that emptied them are not in the trace.`;
  if (all === 0) return before || null;
  if (tables === all)
    return [
      "The trace has no call stacks: record with `reclaim-lab capture --stacks` to know whose calls these are.",
      before,
    ]
      .join(" ")
      .trim();
  const files = new Set(
    blame.flatMap(({ stack }) => stack.flatMap((frame) => /^\[(.+)\+0x[0-9a-f]+\]$/.exec(frame)?.[1] ?? [])),
  );
  const said: string[] = [];
  if (files.size > 0)
    said.push(
      `${[...files].slice(0, 5).join(", ")} ${files.size === 1 ? "has" : "have"} no names of functions (stripped): places in the file stand for them; install the debug symbols, or give them to addr2line.`,
    );
  if (tables > 0) said.push(`No stack could be unwound for ${formatCount(tables)} of ${tablesOf(all)}.`);
  const alone = count(blame.filter(({ stack }) => stack.length === 1 && stack[0] !== "main"));
  if (alone > 0)
    said.push(
      `For ${tablesOf(alone)} the stack is one frame: its callers are missing, unless none called it (no frame information, .eh_frame).`,
    );
  if (before !== "") said.push(before);
  return said.length > 0 ? said.join(" ") : null;
}

/** Folded stacks, as flame graph tools read them: `outer;inner kB`, a line each, the reason innermost. */
export function foldedStacks(blame: readonly BlameEntry[]): string {
  const clean = (frame: string): string => frame.replaceAll(/[;\s]+/g, " ");
  return blame
    .map(({ stack, reason, kb }) => {
      const frames = stack.length > 0 ? stack : [UNKNOWN_STACK];
      return `${[...frames, `[${blameReason(reason)}]`].map(clean).join(";")} ${kb}\n`;
    })
    .join("");
}

/** A profile in speedscope's format (https://www.speedscope.app/file-format-schema.json): weights are bytes of tables. */
export function speedscope(blame: readonly BlameEntry[], name: string, exporter: string) {
  const indices = new Map<string, number>();
  const index = (frame: string): number => {
    const found = indices.get(frame);
    if (found !== undefined) return found;
    indices.set(frame, indices.size);
    return indices.size - 1;
  };
  const samples = blame.map(({ stack, reason }) =>
    [...(stack.length > 0 ? stack : [UNKNOWN_STACK]), `[${blameReason(reason)}]`].map(index),
  );
  const weights = blame.map(({ kb }) => kb * 1024);
  return {
    $schema: "https://www.speedscope.app/file-format-schema.json",
    name,
    exporter,
    activeProfileIndex: 0,
    shared: { frames: [...indices.keys()].map((frame) => ({ name: frame })) },
    profiles: [
      {
        type: "sampled",
        name: `${name}: empty page tables by who emptied them`,
        unit: "bytes",
        startValue: 0,
        endValue: weights.reduce((sum, weight) => sum + weight, 0),
        samples,
        weights,
      },
    ],
  } as const;
}
