/** Programs that the lab starts: that one does not start is said in words, and how it ended is known whenever it is asked for. */
import type { ChildProcess } from "node:child_process";
import { constants as osConstants } from "node:os";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { NotStartedError } from "./errors.ts";

const WHY: Readonly<Record<string, string>> = {
  E2BIG: "its arguments and environment are too long",
  EACCES: "it may not be executed",
  EAGAIN: "there are as many processes as there may be",
  ENOENT: "it is not there",
  ENOMEM: "the machine is short of memory",
  ETXTBSY: "it is being written",
};

const ends = new WeakMap<ChildProcess, Promise<number>>();

function notStarted(name: string, code: string | undefined, cause: unknown): NotStartedError {
  const files = code === undefined || code === "EMFILE" || code === "ENFILE";
  return new NotStartedError(`${name} cannot be started`, {
    why: files ? "no more files can be opened" : (WHY[code] ?? code),
    todo: files ? "Close other programs, or raise the limit (ulimit -n), then try again" : "Try again",
    cause,
  });
}

/**
 * Takes over what spawn has just made. `name`: of the program, as a sentence begins with it. Errors: NotStartedError where Node could
 * make no pipes for it; what else keeps it from starting is an error of `exitOf`.
 */
export function started<C extends ChildProcess>(child: C, name: string): C {
  const ended = new Promise<number>((resolve, reject) => {
    // Also of a signal that cannot be sent; that says nothing of its end.
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) reject(notStarted(name, error.code, error));
    });
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : osConstants.signals[signal])));
  });
  ended.catch(() => undefined);
  ends.set(child, ended);
  // Without descriptors for them Node makes none, whatever its types say.
  if ((child.stdio as unknown) === undefined) throw notStarted(name, undefined, undefined);
  return child;
}

/** Exit status of a `started` program, 128 + N where signal N ended it. Errors: NotStartedError. */
export function exitOf(child: ChildProcess): Promise<number> {
  const ended = ends.get(child);
  if (ended === undefined) throw new Error("only what `started` has taken over has an end that is known");
  return ended;
}

const DRAIN_MS = 2000;

/** Resolves when all that a program has written was read, or, where others have its pipe too, after some time. */
export async function drained(pipe: Readable | null): Promise<void> {
  if (pipe === null || pipe.closed) return;
  const enough = new AbortController();
  const closed = new Promise<void>((resolve) => pipe.once("close", resolve));
  await Promise.race([closed, sleep(DRAIN_MS, undefined, { signal: enough.signal }).catch(() => undefined)]);
  enough.abort();
}
