/** A kernel's answers to conformance scripts: one probe process answers many, emptied in between. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { started } from "../child.ts";
import { ProbeDiedError } from "../errors.ts";
import { PROBE_PATH } from "../locate.ts";
import type { Dontneed } from "../modes.ts";
import { type Answer, parseAnswer } from "./answers.ts";
import { lower, RESET } from "./lower.ts";

const PATIENCE_MS = 60_000;

const linePlace = (index: number): string => `line ${index + 1}`;

/** A probe that answers scripts, on this machine or in a guest. */
export interface ConformingProbe {
  readonly input: Writable;
  readonly output: Readable;
  /** What it said besides, or how it ended; empty where it said nothing. */
  readonly said: () => string;
  readonly kill: () => void;
  /** Resolves when it has ended, after its input has. */
  readonly ended: () => Promise<unknown>;
  /** Of its process, where that is on this machine. */
  readonly pid?: number;
  /** How long a script may take (default: PATIENCE_MS). */
  readonly patienceMs?: number;
}

/** Starts a probe on the running kernel. `program`: the same by another name. Errors: NotStartedError. */
export function startProbe(dontneed: Dontneed, program = PROBE_PATH): ConformingProbe {
  const words = ["conform", "--mode", dontneed === "whole" ? "sync" : "none"];
  const probe = started(spawn(program, words, { stdio: "pipe", env: {} }), "The probe");
  let said = "";
  probe.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  probe.on("error", (error) => {
    said = error.message;
  });
  return {
    input: probe.stdin,
    output: probe.stdout,
    pid: probe.pid ?? 0,
    said: () => said.trim() || (probe.signalCode ?? ""),
    kill: () => probe.kill("SIGKILL"),
    ended: async () => {
      if (probe.exitCode === null && probe.signalCode === null) await once(probe, "close").catch(() => undefined);
    },
  };
}

export class KernelAnswers {
  readonly #probe: ConformingProbe;
  readonly #reader: Interface;
  readonly #lines: AsyncIterator<string>;
  #late = false;

  /** Takes a started probe over; `close` ends it. */
  constructor(probe: ConformingProbe) {
    this.#probe = probe;
    probe.input.on("error", () => undefined);
    this.#reader = createInterface({ input: probe.output });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /**
   * `onSleep`: called before each line `sleep`, when all before it is done.
   * Errors: BadInputError where a line is no operation (then none is performed), ProbeDiedError where the probe is killed.
   */
  async respond(script: readonly string[], onSleep?: () => Promise<void>): Promise<Answer[]> {
    // A system call that never returns ends when its process is killed.
    const watchdog = setTimeout(() => {
      this.#late = true;
      this.#probe.kill();
    }, this.#patienceMs());
    try {
      return await this.#exchange(script, onSleep);
    } finally {
      clearTimeout(watchdog);
    }
  }

  /**
   * Has lines answered and leaves the process as they made it; `respond` empties it again. `place`: where the line of an index
   * stands, for messages. Errors: as `respond`.
   */
  async hold(script: readonly string[], place = linePlace): Promise<Answer[]> {
    const answers: Answer[] = [];
    await this.#part(
      script.map((line, at) => lower(line, place(at))),
      answers,
    );
    return answers;
  }

  /** Of the process that the lines are performed in; 0: not on this machine. */
  get pid(): number {
    return this.#probe.pid ?? 0;
  }

  async #exchange(script: readonly string[], onSleep?: () => Promise<void>): Promise<Answer[]> {
    const answers: Answer[] = [];
    const lines = script.map((line, at) => lower(line, linePlace(at)));
    let from = 0;
    if (onSleep !== undefined) {
      for (const [at, line] of script.entries()) {
        if (!line.startsWith("sleep")) continue;
        await this.#part(lines.slice(from, at), answers);
        from = at;
        await onSleep();
      }
    }
    await this.#part([...lines.slice(from), RESET], answers);
    const reset = answers.pop();
    if (reset?.deltaKb !== 0)
      throw new ProbeDiedError("Page tables were left after everything was unmapped", { why: `${reset?.deltaKb} kB` });
    return answers;
  }

  /** Has some lowered lines answered. */
  async #part(lines: readonly string[], answers: Answer[]): Promise<void> {
    if (lines.length === 0) return;
    this.#probe.input.write(`${lines.join("\n")}\n`);
    for (let i = 0; i < lines.length; i++) {
      const next = await this.#lines.next();
      if (next.done) {
        await this.close();
        const why = this.#late ? `an operation has not ended after ${this.#patienceMs() / 1000} s` : this.#probe.said();
        throw new ProbeDiedError("The probe ended", { why: why || "it said nothing" });
      }
      answers.push(parseAnswer(next.value));
    }
  }

  #patienceMs(): number {
    return this.#probe.patienceMs ?? PATIENCE_MS;
  }

  async close(): Promise<void> {
    this.#reader.close();
    this.#probe.input.end();
    await this.#probe.ended();
  }
}
