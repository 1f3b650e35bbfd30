/** Looks at running processes through the probe: one probe for many looks, one after the other, reading only. */
import { spawn } from "node:child_process";
import type { Look, NoLook } from "../engine/live/look.ts";
import { started } from "./child.ts";
import { ensureProbe } from "./detect.ts";
import { MeasuredUnavailableError, ProbeDiedError } from "./errors.ts";
import { PROBE_PATH } from "./locate.ts";
import { AnswerReader } from "./look-answer.ts";
import { shownName } from "./processes.ts";

export interface LookOptions {
  /** One pass, also where the process moves: for looks that come again. */
  readonly once?: boolean;
  /** An earlier look: it is given again where the kernel counts nothing else than then. */
  readonly unless?: Look | undefined;
  /** With `unless`: ... or where the process is as large as then, whatever else the kernel counts. */
  readonly lazy?: boolean;
  /** "MAJOR:MINOR:INODE" of files: their mappings alone, at most 64. */
  readonly files?: readonly string[];
  readonly onProgress?: (share: number) => void;
}

export interface Looker {
  /** Of the probe. */
  readonly pid: number;
  /** Errors: ProbeDiedError. */
  look(pid: number, options?: LookOptions): Promise<Look | NoLook>;
  close(): void;
}

/** As if the kernel could do less: for tests of what is done where it does. */
export interface KernelLimits {
  /** No PAGEMAP_SCAN: plain reads of pagemap. */
  readonly plain?: boolean;
  /** A scan does not tell an empty table from none: time has to. */
  readonly noExact?: boolean;
  /** Entries and empty tables are asked for one after the other. */
  readonly twoScans?: boolean;
}

interface Asked {
  readonly pid: number;
  readonly options: LookOptions;
  readonly begun: number;
  readonly resolve: (look: Look | NoLook) => void;
  readonly reject: (error: Error) => void;
}

const FILES_MOST = 64;

/** What the kernel counted at the end of a look. */
function seenText({ passes }: Look): string {
  const { vmpteKb, rssKb, virtKb, swapKb, minorFaults } = passes[passes.length - 1].after;
  return [vmpteKb, rssKb, virtKb, swapKb, minorFaults].join(":");
}

/** Starts the probe. Errors: MeasuredUnavailableError if there is none, NotStartedError. */
export function startLooker(limits: KernelLimits = {}): Looker {
  const missing = ensureProbe();
  if (missing !== null)
    throw new MeasuredUnavailableError("Live processes cannot be inspected on this machine", {
      why: missing,
      todo: "Install gcc and libc6-dev (or clang), then: npm run build:probe",
    });
  const words = [
    "look",
    ...(limits.plain ? ["--plain"] : []),
    ...(limits.noExact ? ["--no-exact"] : []),
    ...(limits.twoScans ? ["--two-scans"] : []),
  ];
  const probe = started(
    spawn(PROBE_PATH, words, {
      stdio: ["pipe", "pipe", "pipe"],
      env: {},
      // Ctrl-C at a terminal goes to a whole process group; who asked decides when it has looked enough.
      detached: true,
    }),
    "The probe",
  );
  const waiting: Asked[] = [];
  let said = "";
  let answeredAt = 0;
  let ended: Error | undefined;

  const reader = new AnswerReader({
    onProgress: (share) => waiting[0]?.options.onProgress?.(share),
    onAnswer(answer) {
      const asked = waiting.shift();
      if (asked === undefined) return;
      // Questions wait for the one before them.
      const now = performance.now();
      const tookMs = Math.round((now - Math.max(asked.begun, answeredAt)) * 10) / 10;
      answeredAt = now;
      const { unless } = asked.options;
      if ("unchanged" in answer) {
        if (unless !== undefined) asked.resolve(unless);
        return;
      }
      asked.resolve("passes" in answer ? { ...answer, name: shownName(answer.pid), tookMs } : answer);
    },
  });
  const fail = (why: string): void => {
    ended ??= new ProbeDiedError("The probe ended during a look at a process", {
      why,
      todo: "Try again; SIGKILL mostly means that the machine ran out of memory",
    });
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  probe.stdout.on("data", (chunk: Buffer) => reader.take(chunk));
  probe.stderr.on("data", (chunk: Buffer) => {
    if (said.length < 2000) said += chunk.toString();
  });
  probe.stdin.on("error", () => undefined);
  probe.on("error", (error) => fail(error.message));
  probe.on("close", (code, signal) => fail(said.trim() || `it ended with ${signal ?? code}`));

  /** Questions of one turn go out together. */
  let questions = "";
  function ask(question: string): void {
    if (questions === "")
      queueMicrotask(() => {
        const text = questions;
        questions = "";
        probe.stdin.write(text);
      });
    questions += question;
  }

  return {
    pid: probe.pid ?? 0,
    look(pid, options = {}) {
      if (ended !== undefined) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        waiting.push({ pid, options, begun: performance.now(), resolve, reject });
        const { once = false, lazy = false, unless, files = [] } = options;
        const seen = unless === undefined ? [] : ["unless", seenText(unless)];
        const words = [
          String(pid),
          ...(once ? ["once"] : []),
          ...(lazy ? ["lazy"] : []),
          ...seen,
          ...files.slice(0, FILES_MOST),
        ];
        ask(`${words.join(" ")}\n`);
      });
    },
    close() {
      probe.stdin.end();
      if (waiting.length > 0) probe.kill("SIGTERM");
    },
  };
}
