/** What the probe's launcher or watcher (probe/src/launch.c, watch.c) tells of itself, apart from how the program ended. */
import type { ErrorFacts } from "../engine/error.ts";
import { formatCount } from "../engine/experiment/format.ts";
import { exitWords } from "../engine/experiment/trial.ts";
import { deniedWhy } from "./capture-folder.ts";

const UNWRITTEN = /reclaim-probe: cannot write the readings: (\w+)/;

export interface LauncherEnd {
  /** What it said, among other things perhaps. */
  readonly said: string;
  /** Of the launcher, which is the program's where that was launched and waited for. */
  readonly status: number;
  /** The file of readings; `begun`: it is there. */
  readonly where: string;
  readonly begun: boolean;
}

/** Why a launched program was not measured to its end, for an error: what happened, and its facts. */
export function launcherFailure({ said, status, where, begun }: LauncherEnd): readonly [string, ErrorFacts] {
  const code = UNWRITTEN.exec(said)?.[1];
  if (code === undefined)
    return [
      "The program could not be measured to its end",
      {
        where,
        why: `its launcher ended with ${exitWords(status)}`,
        todo: "Try again; SIGKILL mostly means that the machine ran out of memory",
      },
    ];
  const program = begun ? `ran to its end, with exit status ${exitWords(status)}` : "was not started";
  return [
    "The readings of the program's memory could not be written",
    { where, why: deniedWhy(code), todo: `Mend that and try again; the program itself ${program}` },
  ];
}

/** Was it the readings that could not be written or begun? */
export const wasUnwritten = (said: string): boolean => UNWRITTEN.test(said);

/** Why the kernel did not execute a program that was there (execve(2)), and what helps. */
const NOT_EXECUTED: Readonly<Record<string, readonly [why: string, todo: string]>> = {
  ENOEXEC: [
    "it is neither a program for this machine nor a script whose first line names what runs it (#!)",
    "If it is a script, put what runs it before it, such as sh or python3",
  ],
  ENOENT: ["it, or the interpreter or loader that it names, is not there", "Install that, or correct what it names"],
  EACCES: ["it, or the interpreter that it names, may not be executed", "Make it executable (chmod +x)"],
};

/** The same of a program that did not replace its launcher, for an error. `said`: by the launcher, as far as it was heard. */
export function notExecuted(program: string, said: string): readonly [string, ErrorFacts] {
  const code = /^reclaim-probe: .*: (E[A-Z0-9]+)$/m.exec(said)?.[1];
  const [why, todo] = NOT_EXECUTED[code ?? ""] ?? [
    `the kernel does not execute it${code === undefined ? ", or its interpreter is not there" : `: ${code}`}`,
    "Try it in a shell",
  ];
  return [`${program} does not start`, { why, todo }];
}

/** The same of a watcher, whose program was another's. */
export function watcherFailure(said: string, status: number, where: string): readonly [string, ErrorFacts] {
  const code = UNWRITTEN.exec(said)?.[1];
  return [
    "The readings of the process's memory ended early",
    {
      where,
      why: code === undefined ? `the watcher ended with ${exitWords(status)}` : deniedWhy(code),
      todo: "Mend that and record it again; the process runs on",
    },
  ];
}

/** What the readings leave out. */
export interface Missing {
  /** So many could not be made, for want of open files or memory. */
  readonly skipped: number;
  /** So many were of processes with another user's rights, which /proc hides (hidepid=1). */
  readonly denied: number;
  /** Only so many processes were measured; null: all. */
  readonly measured_most: number | null;
}

/** By the notes at the end of the readings. */
export function missingIn(notes: ReadonlyMap<string, number>): Missing {
  return {
    skipped: notes.get("skipped") ?? 0,
    denied: notes.get("denied") ?? 0,
    measured_most: notes.get("full") ?? null,
  };
}

/** `WATCHED_MAX` of probe/src/watch.c. */
const PROCESSES_MAX = 1024;

/** In clauses; none where nothing is missing. */
export function missingInWords({ skipped, denied, measured_most: most }: Missing): string[] {
  const why =
    most !== null && most >= PROCESSES_MAX
      ? "that is the most"
      : "no more files could be opened (ulimit -Hn, fs.file-max)";
  return [
    ...(most === null ? [] : [`only ${formatCount(most)} of its processes were measured: ${why}`]),
    ...(skipped === 0
      ? []
      : [`${formatCount(skipped)} readings could not be made: the machine ran out of open files or memory`]),
    ...(denied === 0
      ? []
      : [
          `${formatCount(denied)} readings were not allowed: they were of processes with another user's rights (hidepid)`,
        ]),
  ];
}
