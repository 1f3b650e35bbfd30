/**
 * A window driven over Chromium's own debugging protocol: for packaged programs, whose fuses keep every other driver
 * out, and for processes that are to be killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** How long anything may take before it counts as hanging. */
export const PATIENCE_MS = 60_000;

/** Waits until `ask` gives something; throws with `what` after the patience. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`waited ${patienceMs / 1000} s in vain: ${what}`);
    await sleep(50);
  }
}

type Reply = {
  id?: number;
  method?: string;
  params?: unknown;
  result?: Record<string, unknown>;
  error?: { message: string };
};

export class Page {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<
    number,
    { resolve: (value: Record<string, unknown>) => void; reject: (e: Error) => void }
  >();
  #nextId = 1;
  /** What the page says by itself, once its domain is enabled. */
  onEvent: (method: string, params: unknown) => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.method !== undefined) return this.onEvent(reply.method, reply.params);
      const waiting = reply.id === undefined ? undefined : this.#waiting.get(reply.id);
      if (waiting === undefined) return;
      this.#waiting.delete(reply.id as number);
      if (reply.error === undefined) waiting.resolve(reply.result ?? {});
      else waiting.reject(new Error(reply.error.message));
    });
    socket.addEventListener("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the window is gone"));
      this.#waiting.clear();
    });
  }

  static async connect(port: number): Promise<Page> {
    const address = await until("the window's page", async () => {
      const list = (await fetch(`http://127.0.0.1:${port}/json/list`).then(
        (answer) => answer.json(),
        () => [],
      )) as { type: string; url: string; webSocketDebuggerUrl: string }[];
      return list.find((each) => each.type === "page" && each.url.startsWith("reclaim-lab:"))?.webSocketDebuggerUrl;
    });
    const socket = new WebSocket(address);
    await once(socket, "open");
    return new Page(socket);
  }

  send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error("the window is gone"));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(id, { resolve, reject });
    this.#socket.send(JSON.stringify({ id, method, params }));
    return promise;
  }

  /** The value of an expression in the page (promises are awaited). */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as { result: { value: T }; exceptionDetails?: { exception?: { description?: string }; text: string } };
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** A call of the contract, as the window itself makes it. Throws what was answered as an error. */
  async call<T>(name: string, params?: unknown): Promise<T> {
    const given = params === undefined ? "" : `, ${JSON.stringify(params)}`;
    const answer = await this.evaluate<{ result?: T; error?: unknown }>(
      `window.lab.call(${JSON.stringify(name)}${given})`,
    );
    if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error));
    return answer.result as T;
  }

  /** Waits until the window shows itself. */
  async ready(): Promise<void> {
    await until("the window to draw itself", async () =>
      (await this.evaluate<boolean>(
        "'lab' in window && document.querySelector('#app')?.firstElementChild !== null && document.querySelectorAll('button').length > 0",
      ))
        ? true
        : undefined,
    );
  }

  async click(x: number, y: number): Promise<void> {
    const at = { x, y, button: "left", clickCount: 1 };
    await this.send("Input.dispatchMouseEvent", { type: "mousePressed", ...at });
    await this.send("Input.dispatchMouseEvent", { type: "mouseReleased", ...at });
  }

  async screenshot(file: string): Promise<void> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    writeFileSync(file, Buffer.from(String(data), "base64"));
  }

  close(): void {
    this.#socket.close();
  }
}

export interface StartedWindow {
  readonly child: ChildProcess;
  readonly page: Page;
  /** What the program said on stderr. */
  readonly said: () => string;
  /** Closes the window in order and waits until the program is gone; gives its exit status. */
  readonly stop: () => Promise<number | null>;
  /** Resolves when the program is gone, however. */
  readonly gone: Promise<number | null>;
}

/** Starts a window program (with its own process group) and connects to its page. */
export async function startWindow(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<StartedWindow> {
  const child = spawn(program, [...args, "--disable-gpu", "--remote-debugging-port=0"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-100_000);
  });
  const gone = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.once("error", () => resolve(null));
  });
  let over = false;
  void gone.then(() => {
    over = true;
  });
  try {
    const port = await until("the program to open its debugging port", () => {
      if (over) throw new Error(`the program ended at once:\n${said}`);
      const found = /DevTools listening on ws:\/\/[^:]+:(\d+)\//.exec(said);
      return found === null ? undefined : Number(found[1]);
    });
    const page = await Page.connect(port);
    await page.ready();
    return {
      child,
      page,
      said: () => said,
      gone,
      async stop() {
        await page.evaluate("setTimeout(() => window.close(), 0), 0").catch(() => undefined);
        const late = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), PATIENCE_MS);
        const code = await gone;
        clearTimeout(late);
        page.close();
        return code;
      },
    };
  } catch (error) {
    if (child.pid !== undefined && !over) process.kill(-child.pid, "SIGKILL");
    throw new Error(`${error instanceof Error ? error.message : error}\nwhat it said:\n${said.slice(-3000)}`);
  }
}
