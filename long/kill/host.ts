/** The lab host as Electron main starts it, in a process of its own that can be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { HOST_ARGUMENTS, withAllocatorSettings } from "../../main/host/allocator.ts";
import { CHANNEL_FD, Channel } from "../../main/host/channel.ts";
import { ROOT } from "../../scripts/lib/paths.ts";
import { PATIENCE_MS } from "../lib/cdp.ts";

type Message =
  | { kind: "ready" }
  | { kind: "unable"; error: unknown }
  | { kind: "answer"; id: number; answer: { result?: unknown; error?: { message: string } } }
  | { kind: "event"; name: string; payload: unknown };

export class HostProcess {
  readonly child: ChildProcess;
  readonly #waiting = new Map<number, (answer: { result?: unknown; error?: { message: string } } | null) => void>();
  readonly #open = Promise.withResolvers<void>();
  readonly gone: Promise<void>;
  readonly #channel: Channel;
  #ended = false;
  #nextId = 1;
  onEvent: (name: string, payload: unknown) => void = () => {};

  constructor(file: string, env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [...HOST_ARGUMENTS, join(ROOT, "dist", "host", "host.mjs"), file], {
      env: withAllocatorSettings({ ...process.env, ...env }),
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    this.#channel = new Channel(this.child.stdio[CHANNEL_FD] as Duplex);
    this.#channel.listen((message) => this.#receive(message as Message));
    this.gone = new Promise((resolve) => this.child.once("exit", () => resolve()));
    void this.gone.then(() => {
      this.#ended = true;
      for (const answer of this.#waiting.values()) answer(null);
      this.#waiting.clear();
      this.#open.reject(new Error("the host ended before it was ready"));
    });
    this.#open.promise.catch(() => {});
  }

  #receive(message: Message): void {
    if (message.kind === "ready") this.#open.resolve();
    else if (message.kind === "unable") this.#open.reject(new Error(JSON.stringify(message.error)));
    else if (message.kind === "event") this.onEvent(message.name, message.payload);
    else {
      this.#waiting.get(message.id)?.(message.answer);
      this.#waiting.delete(message.id);
    }
  }

  ready(): Promise<void> {
    return this.#open.promise;
  }

  /** The result; null where the host was killed meanwhile. Throws what it answered as an error. */
  async call<T>(name: string, params?: unknown): Promise<T | null> {
    const id = this.#nextId++;
    const answered = await new Promise<{ result?: unknown; error?: { message: string } } | null>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${name}`)), PATIENCE_MS);
      this.#waiting.set(id, (answer) => {
        clearTimeout(late);
        resolve(answer);
      });
      if (this.#ended) this.#waiting.get(id)?.(null);
      else this.#channel.send({ id, name, params });
    });
    if (answered === null) return null;
    if (answered.error !== undefined) throw new Error(JSON.stringify(answered.error));
    return answered.result as T;
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.gone;
  }

  async close(): Promise<void> {
    await this.call("host.close").catch(() => null);
    this.child.kill();
    await this.gone;
  }
}
