/** The running kernel's answers to conformance scripts: one probe process answers many, emptied in between. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Mode } from "../../engine/experiment/types.ts";
import { ProbeDiedError } from "../errors.ts";
import { PROBE_PATH } from "../locate.ts";
import { type Answer, parseAnswer } from "./answers.ts";

const PATIENCE_MS = 60_000;

export class KernelAnswers {
  readonly #probe: ChildProcessWithoutNullStreams;
  readonly #reader: Interface;
  readonly #lines: AsyncIterator<string>;
  #said = "";

  /** Starts a probe; `close` ends it. */
  constructor(mode: Mode) {
    this.#probe = spawn(PROBE_PATH, ["conform", "-", "--mode", mode], { stdio: "pipe", env: {} });
    this.#probe.stderr.on("data", (chunk: Buffer) => {
      this.#said += chunk.toString();
    });
    this.#probe.on("error", (error) => {
      this.#said = error.message;
    });
    this.#probe.stdin.on("error", () => undefined);
    this.#reader = createInterface({ input: this.#probe.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /**
   * `onSleep`: called before each line `sleep`, when all before it is done.
   * Errors: ProbeDiedError where the probe refuses the script or is killed.
   */
  async respond(script: readonly string[], onSleep?: () => Promise<void>): Promise<Answer[]> {
    // A system call that never returns ends when its process is killed.
    const watchdog = setTimeout(() => {
      this.#said = `an operation has not ended after ${PATIENCE_MS / 1000} s`;
      this.#probe.kill("SIGKILL");
    }, PATIENCE_MS);
    try {
      return await this.#exchange(script, onSleep);
    } finally {
      clearTimeout(watchdog);
    }
  }

  async #exchange(script: readonly string[], onSleep?: () => Promise<void>): Promise<Answer[]> {
    const answers: Answer[] = [];
    let from = 0;
    if (onSleep !== undefined) {
      for (const [at, line] of script.entries()) {
        if (!line.startsWith("sleep")) continue;
        await this.#part(script.slice(from, at), answers);
        from = at;
        await onSleep();
      }
    }
    await this.#part([...script.slice(from), "@reset"], answers);
    const reset = answers.pop();
    if (reset?.deltaKb !== 0)
      throw new ProbeDiedError("Page tables were left after everything was unmapped", { why: `${reset?.deltaKb} kB` });
    return answers;
  }

  /** Has some lines answered. */
  async #part(lines: readonly string[], answers: Answer[]): Promise<void> {
    if (lines.length === 0) return;
    this.#probe.stdin.write(`${lines.join("\n")}\n`);
    for (let i = 0; i < lines.length; i++) {
      const next = await this.#lines.next();
      if (next.done) {
        await this.close();
        throw new ProbeDiedError("The probe ended", { why: this.#said.trim() || `${this.#probe.signalCode ?? "it"}` });
      }
      answers.push(parseAnswer(next.value.startsWith("@reset") ? `${next.value}\tok` : next.value));
    }
  }

  async close(): Promise<void> {
    this.#reader.close();
    this.#probe.stdin.end();
    if (this.#probe.exitCode === null && this.#probe.signalCode === null) await once(this.#probe, "close");
  }
}
