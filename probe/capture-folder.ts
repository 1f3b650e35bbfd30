/** The folder of a capture, and what captures that died left behind. */
import { spawn } from "node:child_process";
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { codeOf } from "../db/file-error.ts";
import { makeFolders, removeEmpty } from "../db/folders.ts";
import { BadInputError, describeError } from "../engine/error.ts";
import { started } from "./child.ts";
import { CaptureError } from "./errors.ts";

const TEMPORARY = "reclaim-lab-capture-";

const DENIED: Readonly<Record<string, string>> = {
  EACCES: "its parent may not be written",
  EDQUOT: "your share of the disk is full",
  EEXIST: "it already exists",
  EFBIG: "it would be larger than a file may be (ulimit -f)",
  EIO: "the disk fails",
  EMFILE: "no more files can be opened",
  ENFILE: "no more files can be opened",
  ENOENT: "nothing can be made there",
  ENOSPC: "the disk is full",
  ENOTDIR: "a file is in the way",
  EROFS: "its file system is read-only",
};

/** Those that a file which could be made meets when it is written. */
const OF_THE_DISK: ReadonlySet<string> = new Set(["EDQUOT", "EFBIG", "EIO", "ENOSPC", "EROFS"]);

/** Why nothing can be made or written at a place, by the name of the errno. */
export const deniedWhy = (code: string): string => DENIED[code] ?? code;

/**
 * The folder of a new capture; returns what takes it away again, with the folders that were made for it. Errors: BadInputError where it
 * cannot be made or is there already.
 */
export function makeCaptureFolder(path: string): () => void {
  try {
    const above = makeFolders(dirname(resolve(path)));
    try {
      // What a program does and where its memory lies is nobody else's, as in a record of perf.
      mkdirSync(path, 0o700);
    } catch (error) {
      removeEmpty(above);
      throw error;
    }
    return () => {
      rmSync(path, { recursive: true, force: true });
      removeEmpty(above);
    };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const why = deniedWhy(code);
    throw new BadInputError("The folder cannot be created", { where: path, why, todo: "Choose another with --out" });
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * A folder for what is recorded meanwhile, with the name of whose it is. Nothing stays of it where our process is killed: a shell waits
 * for the end of its standard input, which comes when the process ends, however it does. `remove`: with the shell. Errors: NotStartedError.
 */
export function temporaryFolder(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), `${TEMPORARY}${process.pid}-`));
  const script = 'read said; [ "$said" = done ] || { sleep 1; rm -rf "$1"; }';
  try {
    const shell = started(
      spawn("/bin/sh", ["-c", script, "reclaim-lab", folder], {
        stdio: ["pipe", "ignore", "ignore"],
        // It must outlive whoever ends all of our group.
        detached: true,
      }),
      "The guard of the recording",
    );
    shell.stdin.on("error", () => undefined);
    shell.unref();
    return {
      folder,
      remove() {
        rmSync(folder, { recursive: true, force: true });
        shell.stdin.end("done\n");
      },
    };
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
}

/** The names in a folder; none where it cannot be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Removes what this user's captures, trials and exports left whose process is dead. */
export function sweepLeftovers(): void {
  for (const name of namesIn(tmpdir())) {
    const pid = /^reclaim-lab-(?:capture|try|export)-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || lives(Number(pid))) continue;
    const folder = join(tmpdir(), name);
    try {
      // One of that name may be anybody's, and they may change it meanwhile.
      if (lstatSync(folder).uid === process.getuid?.()) rmSync(folder, { recursive: true, force: true });
    } catch {
      // It is gone, or cannot be removed: the next capture tries again.
    }
  }
}

/** The pid that a file of readings begins with; null before it is there. */
export function pidIn(path: string): number | null {
  if (!existsSync(path)) return null;
  const head = Buffer.alloc(100);
  const file = openSync(path, "r");
  try {
    const pid = /^# pid (\d+)/.exec(head.toString("latin1", 0, readSync(file, head)))?.[1];
    return pid === undefined ? null : Number(pid);
  } finally {
    closeSync(file);
  }
}

const PERF_LINE = /^.{0,40}?\s(\d+)\/\d+\s/s;
const TRACEFS_LINE = /^.{1,20}?-(\d+)\s+(?:\(\s*([\d-]+)\)\s)?/s;

/** Counts a line of events for its process. */
export function busiestOf(line: string, counts: Map<number, number>): void {
  const perf = PERF_LINE.exec(line.slice(0, 60));
  const tracefs = perf === null ? TRACEFS_LINE.exec(line.slice(0, 60)) : null;
  const pid = Number(perf?.[1] ?? tracefs?.[2] ?? tracefs?.[1] ?? Number.NaN);
  if (pid > 0) counts.set(pid, (counts.get(pid) ?? 0) + 1);
}

/** vmpte.txt becomes the measured process with the most events; gives the other ones, each in vmpte.txt.PID. */
export function keepBusiest(vmpte: string, events: ReadonlyMap<number, number>): number[] {
  const name = basename(vmpte);
  const folder = dirname(vmpte);
  const others = namesIn(folder)
    .filter((each) => each.startsWith(`${name}.`))
    .map((each) => Number(each.slice(name.length + 1)))
    .filter((pid) => Number.isSafeInteger(pid));
  const first = pidIn(vmpte);
  if (first === null) return others;
  const [busiest] = [first, ...others].sort((a, b) => (events.get(b) ?? 0) - (events.get(a) ?? 0));
  if (busiest === first) return others;
  renameSync(vmpte, `${vmpte}.${first}`);
  renameSync(`${vmpte}.${busiest}`, vmpte);
  return [first, ...others.filter((pid) => pid !== busiest)];
}

/** A value that the launcher noted after the readings of the program, as `# user_us 120`. */
const NOTE = /^# (\w+) (\d+)$/gm;
/** So much of the end is read first, in bytes; a program that left hundreds of processes has more notes. */
const NOTES_LEAST = 1024;

/**
 * What the launcher noted at the end of a file of readings: the program's use of the machine, or the processes that it left
 * running (`left`, one a process). Empty where it ended otherwise.
 */
export function notesIn(path: string): readonly (readonly [name: string, value: number])[] {
  if (!existsSync(path)) return [];
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    for (let length = NOTES_LEAST; ; length *= 2) {
      const from = Math.max(0, size - length);
      const bytes = Buffer.alloc(size - from);
      const end = bytes.toString("latin1", 0, readSync(file, bytes, 0, bytes.length, from));
      // Up to a reading: the notes stand after them.
      if (from > 0 && !/\n\d/.test(end)) continue;
      return [...end.matchAll(NOTE)].map(([, name, value]) => [name, Number(value)] as const);
    }
  } finally {
    closeSync(file);
  }
}

/** Of which process a file of readings is, and how many it holds; read a line at a time, however long it is. */
export async function readingsIn(path: string): Promise<{ readonly pid: number | null; readonly readings: number }> {
  if (!existsSync(path)) return { pid: null, readings: 0 };
  let pid: number | null = null;
  let readings = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const found = /^# pid (\d+)/.exec(line)?.[1];
    if (found !== undefined) pid = Number(found);
    if (!line.startsWith("#")) readings++;
  }
  return { pid, readings };
}

/**
 * What becomes of a recording that failed, and what is said of it: a folder without a reading and without `events` (so many are whole in
 * events.txt.gz) goes, since nothing was recorded; another stays, and the error names it. Returns the error to throw.
 */
export async function afterFailure(folder: string, takeAway: () => void, error: unknown, events = 0): Promise<unknown> {
  const { readings } = await readingsIn(join(folder, "vmpte.txt"));
  const kept = [
    ...(readings > 0 ? ["readings of VmPTE are kept in vmpte.txt"] : []),
    ...(events > 0 ? ["events are kept in events.txt.gz"] : []),
  ];
  const code = codeOf(error);
  const ofDisk = OF_THE_DISK.has(code);
  if (kept.length === 0) {
    takeAway();
    if (!ofDisk) return error;
    const { path: where = folder } = error as NodeJS.ErrnoException;
    const facts = { where, why: deniedWhy(code), todo: "Mend that, or choose another place with --out" };
    return new CaptureError("The recording could not be written", { ...facts, cause: error });
  }
  return new CaptureError("The recording could not be finished", {
    where: folder,
    why: ofDisk ? deniedWhy(code) : describeError(error),
    todo: `Its ${kept.join(", its ")}`,
    cause: error,
  });
}
