/** What a capture can be made with on this machine, and what is missing where it cannot. */
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { BadInputError } from "../engine/error.ts";
import { CALL_NUMBERS } from "../engine/workload/import/index.ts";
import { ensureProbe } from "./detect.ts";

export const TRACEFS = "/sys/kernel/tracing";

export type CaptureMeans =
  | { readonly how: "perf"; readonly perf: string }
  | { readonly how: "tracefs"; readonly why: string }
  | { readonly how: null; readonly why: string; readonly todo: string };

/** The executable that a shell would start, or undefined. */
export function findProgram(name: string): string | undefined {
  const candidates = name.includes("/")
    ? [resolve(name)]
    : (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder || ".", name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      // A folder may be "executed" too.
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}

/** The executable that a shell would start. Errors: BadInputError where there is none. */
export function programNamed(name: string): string {
  const found = findProgram(name);
  if (found !== undefined) return found;
  if (name.includes("/") && existsSync(name) && statSync(name).isFile())
    throw new BadInputError(`${name} may not be executed`, {
      todo: "Make it executable (chmod +x), or put the program that runs it before it, such as sh or python3",
    });
  throw new BadInputError(`There is no program ${name}`, { todo: "Give its path, or one that PATH finds" });
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Why perf cannot record what a capture needs; null where it can. Records a moment to know. */
async function perfProblem(perf: string): Promise<string | null> {
  const events = "raw_syscalls:sys_enter,exceptions:page_fault_user";
  try {
    await promisify(execFile)(perf, ["record", "-q", "-e", events, "-o", "/dev/null", "--", "true"], {
      timeout: 20_000,
    });
    return null;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return whyPerf(stderr?.trim() || message);
  }
}

/** The line of what perf says that tells why: that of the rights, where it is one of many. */
export function whyPerf(said: string): string {
  const lines = said.split("\n").map((line) => line.trim());
  const denied = lines.find((line) => /permission|not permitted/i.test(line));
  return denied?.replace(/^Error:\s*/, "") ?? lines[0];
}

/** Looks for perf first, then for tracefs. `wanted`: only that one. */
export async function captureMeans(wanted?: "perf" | "tracefs"): Promise<CaptureMeans> {
  const todo =
    "Run it as root with linux-perf installed (Debian: linux-perf), or with tracefs mounted at /sys/kernel/tracing";
  const probe = ensureProbe();
  if (probe !== null)
    return {
      how: null,
      why: probe,
      todo:
        process.platform === "linux"
          ? "The probe has to be built once: install gcc and libc6-dev (or clang), then npm run build:probe"
          : "Record on a Linux machine; its captures can be opened here",
    };
  let why = "perf was not requested";
  if (wanted !== "tracefs") {
    const perf = findProgram("perf");
    const problem = perf === undefined ? "perf is not installed" : await perfProblem(perf);
    if (perf !== undefined && problem === null) return { how: "perf", perf };
    why = problem ?? "";
    if (wanted === "perf") return { how: null, why, todo };
  }
  if (existsSync(TRACEFS) && !may(TRACEFS, constants.X_OK))
    return { how: null, why: `${why}; ${TRACEFS} is open only to root`, todo };
  if (!existsSync(`${TRACEFS}/instances`))
    return { how: null, why: `${why}; tracefs is not mounted at ${TRACEFS}`, todo };
  if (!existsSync(`${TRACEFS}/events/exceptions/page_fault_user`))
    return { how: null, why: `${why}; this kernel has no page-fault trace events`, todo };
  if (!may(`${TRACEFS}/instances`, constants.W_OK))
    return { how: null, why: `${why}; ${TRACEFS} is writable only by root`, todo };
  return { how: "tracefs", why };
}

/** What a capture records of system calls: all but ioctl, which is too frequent, and a thread's exit. */
const CALLS = Object.entries(CALL_NUMBERS).filter(([call]) => call !== "ioctl" && call !== "exit");

/** An event of a capture, as `system:event`, and which of its occurrences. */
export interface CaptureEvent {
  readonly name: string;
  readonly filter: string | null;
}

/** What perf record is told of events: on the clock of VmPTE's readings, and with the mappings that execve makes (-d). */
export function perfWords(events: readonly CaptureEvent[]): string[] {
  const chosen = events.flatMap(({ name, filter }) => ["-e", name, ...(filter === null ? [] : ["--filter", filter])]);
  return ["-k", "CLOCK_MONOTONIC", "-d", "-m", "32M", ...chosen];
}

/** What perf script is told, to write a record as the importer reads it; `stacks`: with the call stack of each event. */
export function scriptWords(data: string, stacks: boolean): string[] {
  const shown = ["--show-mmap-events", "--show-task-events", "--show-lost-events"];
  return ["script", "--ns", "-i", data, ...shown, "-F", `comm,pid,tid,time,event,trace${stacks ? ",ip,sym,dso" : ""}`];
}

const SAID_MAX = 4000;

/** What perf says of what went wrong: the beginning, so far. */
export function heard(stderr: Readable | null): () => string {
  let said = "";
  stderr?.on("data", (chunk: Buffer) => {
    if (said.length < SAID_MAX) said += chunk.toString();
  });
  return () => said.trim();
}

const FAULTS: readonly CaptureEvent[] = [
  { name: "exceptions:page_fault_user", filter: null },
  { name: "exceptions:page_fault_kernel", filter: null },
];

/**
 * The trace events of a capture. Two for all system calls, told apart by number: every event that is opened costs tens of
 * milliseconds when it is closed. `stacks`: with the call stack of each call, for perf. `light`: without page faults.
 */
export function captureEvents({ stacks = false, light = false } = {}): readonly CaptureEvent[] {
  const filter = CALLS.map(([, number]) => `id==${number}`).join("||");
  return [
    { name: `raw_syscalls:sys_enter${stacks ? "/call-graph=dwarf,stack-size=16384/" : ""}`, filter },
    { name: "raw_syscalls:sys_exit", filter },
    ...(light ? [] : FAULTS),
  ];
}
