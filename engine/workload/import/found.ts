/**
 * What was found of a process that ran already when its trace began, and that it ran on when the trace ended: lines before the
 * first event,
 *
 *     # reclaim-lab found PID NS {"addr":...,"len":...,"permissions":"rw-p","pages":[0,512],"empty":[1024,512],...}
 *     # reclaim-lab found-end PID NS
 *
 * one a mapping (more where it has many runs of pages), and one when all of it had been read. A recording without page faults has
 * such lines again and again, `later` (found-end does not follow them): what of the mapping was in use then. `pages`: the first page within
 * the mapping and how many, of those that have an entry; `empty`: the same of whole tables without one. After the last event,
 *
 *     # reclaim-lab found-until PID NS
 *
 * says how long a process was recorded that had not ended by then: it may have done nothing for most of that time.
 */

export interface FoundMapping {
  /** Bytes. */
  readonly addr: number;
  readonly len: number;
  /** As /proc/PID/maps has them: "rw-p". */
  readonly permissions: string;
  readonly offset: number;
  /** Device and inode; "": no file. */
  readonly file: string;
  readonly name: string;
  readonly pages: readonly number[];
  readonly empty: readonly number[];
  /** What the process is called: with its first mapping. */
  readonly comm?: string;
  /** More pages of the mapping of the line before. */
  readonly more?: boolean;
  /** With its first mapping: there are no page faults in the recording, but `later` lines. */
  readonly light?: boolean;
  /** Found while it was recorded; with its last mapping: "end". */
  readonly later?: true | "end";
}

/** So many numbers of runs a line at most: a line stays below what the reader takes. */
export const FOUND_RUNS_MAX = 2000;

const LINE = /^# reclaim-lab found(-end|-until)? (\d{1,10}) (\d{1,15})(?: (\{.*\}))?$/s;

export function foundLine(pid: number, ns: number, mapping: FoundMapping): string {
  return `# reclaim-lab found ${pid} ${ns} ${JSON.stringify(mapping)}\n`;
}

export function foundEndLine(pid: number, ns: number): string {
  return `# reclaim-lab found-end ${pid} ${ns}\n`;
}

export function foundUntilLine(pid: number, ns: number): string {
  return `# reclaim-lab found-until ${pid} ${ns}\n`;
}

const isWhole = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

function isRuns(value: unknown): value is number[] {
  return Array.isArray(value) && value.length % 2 === 0 && value.length <= FOUND_RUNS_MAX && value.every(isWhole);
}

function isMapping(value: unknown): value is FoundMapping {
  if (typeof value !== "object" || value === null) return false;
  const { addr, len, permissions, offset, file, name, pages, empty, comm } = value as Partial<
    Record<keyof FoundMapping, unknown>
  >;
  return (
    isWhole(addr) &&
    isWhole(len) &&
    len > 0 &&
    isWhole(offset) &&
    isRuns(pages) &&
    isRuns(empty) &&
    typeof permissions === "string" &&
    permissions.length === 4 &&
    typeof file === "string" &&
    typeof name === "string" &&
    (comm === undefined || typeof comm === "string")
  );
}

export interface FoundLine {
  readonly pid: number;
  readonly ns: number;
  /** Null: the end of its mappings; "until": it was recorded until then, and ran on. */
  readonly mapping: FoundMapping | "until" | null;
}

export function isFound(text: string): boolean {
  return text.startsWith("# reclaim-lab found");
}

/** A line of what was found; null where it is none, "damaged" where it was one. */
export function readFound(text: string): FoundLine | "damaged" | null {
  if (!isFound(text)) return null;
  const match = LINE.exec(text);
  if (match === null) return "damaged";
  const [, end, pid, ns, json] = match;
  if (end !== undefined) return { pid: Number(pid), ns: Number(ns), mapping: end === "-until" ? "until" : null };
  let mapping: unknown;
  try {
    mapping = JSON.parse(json ?? "");
  } catch {
    return "damaged";
  }
  return isMapping(mapping) ? { pid: Number(pid), ns: Number(ns), mapping } : "damaged";
}
