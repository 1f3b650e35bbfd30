/** A capture: the folder that `reclaim-lab capture` makes, opened as one thing and named after its program. */
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isRegular } from "../../db/regular.ts";
import { shellWords } from "../../engine/experiment/trial.ts";

const EVENTS = ["events.txt.gz", "events.txt"] as const;
const MEASURED = "vmpte.txt";
const COMMAND = "cmd.txt";
/** So much of a capture's command line is read. */
const COMMAND_MAX = 10_000;
/** Its head and, where there is one, a reading are in so much of a file of readings. */
const BEGINNING = 4096;
const HEAD = /^# pid (\d{1,10})\b/;

export interface Capture {
  readonly folder: string;
  /** The trace in it. */
  readonly events: string;
  /** Files of readings by the process that they are of. */
  readonly measured: ReadonlyMap<number, string>;
  /** What was run, quoted as for a shell; null: not kept. */
  readonly command: string | null;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function measuredIn(folder: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync(folder)) {
    if (name !== MEASURED && !name.startsWith(`${MEASURED}.`)) continue;
    const path = join(folder, name);
    const beginning = beginningOf(path, BEGINNING);
    const pid = HEAD.exec(beginning)?.[1];
    // A program that ended too soon was never read.
    const isRead = /^\d/m.test(beginning) || beginning.length === BEGINNING;
    if (pid !== undefined && isRead && !found.has(Number(pid))) found.set(Number(pid), path);
  }
  return found;
}

/** At most so many bytes of it; "" where it cannot be read. */
function beginningOf(path: string, most: number): string {
  if (!isRegular(path)) return "";
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(most);
      return bytes.toString("utf8", 0, readSync(file, bytes, 0, most, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}

/** The first line of cmd.txt says what was run; in captures of others it says how it was recorded. */
function commandIn(folder: string): string | null {
  const [first] = beginningOf(join(folder, COMMAND), COMMAND_MAX).split("\n");
  const command = first.trim();
  return command === "" || /^(?:\S*\/)?(?:perf record|strace) /.test(command) ? null : command;
}

/** The capture that a path is: its folder, or the trace in it. Null: it is none. */
export function captureAt(path: string): Capture | null {
  try {
    const folder = isFolder(path) ? path : EVENTS.some((name) => name === basename(path)) ? dirname(path) : null;
    if (folder === null) return null;
    const events = folder === path ? EVENTS.map((name) => join(folder, name)).find((each) => existsSync(each)) : path;
    if (events === undefined || !existsSync(join(folder, MEASURED))) return null;
    return { folder, events, measured: measuredIn(folder), command: commandIn(folder) };
  } catch {
    // A folder that may not be read, links in a circle: opening it says so.
    return null;
  }
}

/** What a capture is called: after the program that was started or attached to; where that is not kept, as its process calls itself. */
export function programOf({ command }: Capture, comm: string): string {
  const [first] = shellWords(command ?? "") ?? [];
  return first === undefined ? comm : basename(first);
}
