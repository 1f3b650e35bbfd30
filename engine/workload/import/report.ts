/** What an importer met that it could not use: counted by kind, with the first line numbers, in constant memory. */

/** What each kind of problem means, and what to do about it. */
export const PROBLEM_KINDS = {
  truncated: "The file ends early or cannot be read further; everything before that was used.",
  overlong: "Lines longer than 64 KiB were dropped.",
  not_understood: "Lines that are not in this format were skipped.",
  bad_number: "A number was missing, malformed or too large; the event was skipped.",
  time_back: "Times go backwards: events were taken in the order of the file.",
  lost: "The tracer lost events: the replay misses them. Capture again with a larger buffer (perf record -m).",
  unknown_event: "Events of other kinds were ignored.",
  unmatched_exit: "The end of a call whose beginning is not in the trace; ignored.",
  unmatched_enter: "A call whose end is not in the trace; ignored.",
  not_modelled: "Calls with too little detail in a trace to be replayed; ignored.",
  hidden_ranges:
    "Calls on ranges behind a pointer, which a trace does not show (process_madvise, ioctls of a userfaultfd): not replayed, so the tables that they freed or made are missing from every number and from the verdict.",
  no_faults:
    "Recorded without page faults (--light): memory in use is known from snapshots only, so memory touched and released between two of them is missing, tables appear only at the next one, and what a policy saves is an estimate, rather too high.",
  found_mapping:
    "Mappings that no call in the trace made (shmat and io_setup are not in it): taken from the mapping's record. Their end is not visible.",
  outside_mapping:
    "Accesses outside every known mapping (the program got SIGSEGV, or its mapping is not in the trace); ignored.",
  assumed_mapping:
    "Accesses outside every known mapping of a trace that does not show how the program was loaded: a mapping was assumed.",
  not_touched: "Mappings of more than 16 GiB were not assumed to be touched: they are reservations of address space.",
  no_process_id: "Lines show the thread but not the process; capture with -F comm,pid,tid,time,event,trace.",
  other_process: "Events of other processes were left out.",
  bad_operation: "Lines that are not a valid operation were skipped.",
} as const;

export type ProblemKind = keyof typeof PROBLEM_KINDS;

export interface Problem {
  readonly kind: ProblemKind;
  /** How many lines (for `lost`: how many events). */
  readonly count: number;
  /** The first few line numbers. */
  readonly lines: readonly number[];
  /** What stood on the first one, or its name, shortened. */
  readonly example: string;
}

const LINES_KEPT = 5;
const EXAMPLE_LENGTH = 120;

/** Characters that could disturb a terminal are shown as "?". */
function printable(text: string): string {
  const short = text.length > EXAMPLE_LENGTH ? `${text.slice(0, EXAMPLE_LENGTH)}...` : text;
  let out = "";
  for (const char of short)
    out += char < " " || (char >= "\u007f" && char < "\u00a0") || char === "\ufffd" ? "?" : char;
  return out;
}

export class ImportReport {
  readonly #problems = new Map<ProblemKind, { count: number; lines: number[]; example: string }>();
  /** Trace events understood, of all processes. */
  events = 0;

  /** Notes `count` problems of a kind at a line. */
  problem(kind: ProblemKind, line: number, example: string, count = 1): void {
    const known = this.#problems.get(kind);
    if (!known) {
      this.#problems.set(kind, { count, lines: [line], example: printable(example) });
      return;
    }
    known.count += count;
    if (known.lines.length < LINES_KEPT) known.lines.push(line);
  }

  count(kind: ProblemKind): number {
    return this.#problems.get(kind)?.count ?? 0;
  }

  problems(): readonly Problem[] {
    return [...this.#problems].map(([kind, { count, lines, example }]) => ({
      kind,
      count,
      lines: [...lines],
      example,
    }));
  }
}

/** One sentence a problem, for a terminal: how often, what, where first. */
export function describeProblem(problem: Problem): string {
  const { kind, count, lines, example } = problem;
  const where = `${lines.length === 1 ? "line" : "lines"} ${lines.join(", ")}${count > lines.length ? ", ..." : ""}`;
  return `${count} x ${kind.replaceAll("_", " ")} (${where}): ${PROBLEM_KINDS[kind]} First: ${example}`;
}
