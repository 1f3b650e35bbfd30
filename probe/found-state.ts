/**
 * The state of a running process, as lines that precede the events of its trace (engine/workload/import/found.ts):
 * its mappings, the pages that are in use, the tables that are empty. Nothing but reads of /proc.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { isLook, type Look, STATE, stateOf, WINDOW_BYTES } from "../engine/live/look.ts";
import { FOUND_RUNS_MAX, type FoundMapping, foundEndLine, foundLine } from "../engine/workload/import/found.ts";
import { PAGE } from "../engine/workload/sizes.ts";
import { CaptureError } from "./errors.ts";
import type { Looker } from "./look.ts";
import { hasEnded } from "./processes.ts";

const PAGES = WINDOW_BYTES / PAGE;
/** Present or swapped (Documentation/admin-guide/mm/pagemap.rst). */
const IN_USE = 0xc000_0000;

const nowNs = (): number => Number(process.hrtime.bigint());

interface MapsLine {
  readonly start: number;
  readonly end: number;
  readonly permissions: string;
  readonly offset: number;
  readonly file: string;
  readonly name: string;
}

/** Mappings of a process, but those that are the kernel's own. */
function readMaps(pid: number): MapsLine[] {
  return readFileSync(`/proc/${pid}/maps`, "latin1")
    .split("\n")
    .flatMap((line) => {
      const match = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) (\S+ \d+) *(.*)$/s.exec(line);
      if (match === null || match[6] === "[vsyscall]") return [];
      const [, start, end, permissions, offset, file, name] = match;
      return [
        {
          start: Number.parseInt(start, 16),
          end: Number.parseInt(end, 16),
          permissions,
          offset: Number.parseInt(offset, 16),
          file,
          name,
        },
      ];
    });
}

/** Pairs of first page (its number) and number of pages. */
type Runs = number[];

function push(runs: Runs, page: number, count: number): void {
  const last = runs.length - 2;
  if (last >= 0 && runs[last] + runs[last + 1] === page) runs[last + 1] += count;
  else runs.push(page, count);
}

/** Which pages have an entry, window by window of those that a look saw something in. */
function pagesOf(pid: number, look: Look): { readonly pages: Runs; readonly empty: Runs } {
  const { runs } = look.passes[look.passes.length - 1];
  const pages: Runs = [];
  const empty: Runs = [];
  const pagemap = openSync(`/proc/${pid}/pagemap`, "r");
  const entries = Buffer.alloc(PAGES * 8);
  try {
    for (let run = 0; run < runs.length; run++) {
      const state = stateOf(runs.state[run]);
      for (let i = 0; i < runs.windows[run]; i++) {
        const first = (runs.window[run] + i) * PAGES;
        if (state === STATE.empty) push(empty, first, PAGES);
        else if (state === STATE.full || state === STATE.deposited) push(pages, first, PAGES);
        else if (state === STATE.sparse || state === STATE.partly || state === STATE.pinned || state === STATE.unseen) {
          const got = readSync(pagemap, entries, 0, entries.length, first * 8);
          let any = false;
          for (let page = 0; page < got / 8; page++) {
            if (entries.readUInt32LE(page * 8 + 4) < 0x4000_0000) continue;
            if ((entries.readUInt32LE(page * 8 + 4) & IN_USE) === 0) continue;
            push(pages, first + page, 1);
            any = true;
          }
          // A table whose entries are not shown.
          if (!any && (state === STATE.pinned || state === STATE.unseen)) push(pages, first, 1);
        }
      }
    }
  } finally {
    closeSync(pagemap);
  }
  return { pages, empty };
}

/** The part of runs that lies in pages [from, end), from `next` on; moves `next` past those that end before `end`. */
function within(runs: Runs, next: { at: number }, from: number, end: number): Runs {
  const found: Runs = [];
  while (next.at < runs.length && runs[next.at] + runs[next.at + 1] <= from) next.at += 2;
  for (let at = next.at; at < runs.length && runs[at] < end; at += 2) {
    const first = Math.max(from, runs[at]);
    const stop = Math.min(end, runs[at] + runs[at + 1]);
    if (stop > first) found.push(first - from, stop - first);
  }
  return found;
}

export interface FoundState {
  /** With their ends. */
  readonly lines: readonly string[];
  readonly tookMs: number;
  readonly mappings: number;
  readonly pages: number;
  readonly means: Look["means"];
}

/** How a process is found: before its recording (`light`: without page faults), or again while it goes on. */
export type FindingTime = "first" | "light" | "later";

/** Looks at each process; those that have ended meanwhile are left out. Errors: CaptureError where one may not be read. */
export async function foundStates(
  looker: Looker,
  pids: readonly number[],
  when: FindingTime,
): Promise<Map<number, FoundState>> {
  const states = new Map<number, FoundState>();
  for (const pid of pids) {
    try {
      states.set(pid, await foundState(looker, pid, when));
    } catch (error) {
      if (!hasEnded(pid)) throw error;
    }
  }
  return states;
}

async function foundState(looker: Looker, pid: number, when: FindingTime): Promise<FoundState> {
  const from = nowNs();
  const look = await looker.look(pid, { once: true });
  if (!isLook(look))
    throw new CaptureError(`Process ${pid} cannot be inspected`, {
      why:
        look.why === "denied"
          ? "it is another user's"
          : look.why === "gone"
            ? "it has ended"
            : "it has no memory of its own",
      todo: look.why === "denied" ? "Run it as root, or as that user" : "Name another process",
    });
  const { pages, empty } = pagesOf(pid, look);
  const nextPage = { at: 0 };
  const nextEmpty = { at: 0 };
  const maps = readMaps(pid);
  const comm = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  const mappings = maps.map(({ start, end, permissions, offset, file, name }): FoundMapping => {
    const [first, stop] = [start / PAGE, end / PAGE];
    return {
      addr: start,
      len: end - start,
      permissions,
      offset,
      file: file.endsWith(" 0") ? "" : file,
      name,
      pages: within(pages, nextPage, first, stop),
      empty: within(empty, nextEmpty, first, stop),
    };
  });
  // Later it is of interest what is in use, and where tables are empty.
  const told = when === "later" ? mappings.filter((each) => each.pages.length + each.empty.length > 0) : mappings;
  const last = told[told.length - 1];
  const lines: string[] = [];
  for (const mapping of told) {
    for (let at = 0; at === 0 || at < Math.max(mapping.pages.length, mapping.empty.length); at += FOUND_RUNS_MAX)
      lines.push(
        foundLine(pid, from, {
          ...mapping,
          pages: mapping.pages.slice(at, at + FOUND_RUNS_MAX),
          empty: mapping.empty.slice(at, at + FOUND_RUNS_MAX),
          ...(lines.length === 0 ? { comm } : {}),
          ...(lines.length === 0 && when === "light" ? { light: true } : {}),
          ...(at > 0 ? { more: true } : {}),
          ...(when === "later" ? { later: mapping === last ? "end" : true } : {}),
        }),
      );
  }
  const to = nowNs();
  if (when !== "later") lines.push(foundEndLine(pid, to));
  const used = pages.reduce((sum, count, i) => (i % 2 === 1 ? sum + count : sum), 0);
  return { lines, tookMs: (to - from) / 1e6, mappings: maps.length, pages: used, means: look.means };
}
