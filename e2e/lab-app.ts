/** The running app, driven from outside: by the end-to-end tests, the benchmarks and the long lane. */
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { _electron, type ElectronApplication, type Page } from "@playwright/test";
import type { Answer, CallArguments, CallResult, WindowCallName } from "../main/contract.ts";
import { electronSwitches } from "../scripts/lib/display.ts";

export const ROOT = resolve(import.meta.dirname, "..");

/** Set by `npm run test:e2e`, which finds or fetches it. */
function electron(): string {
  const executable = process.env.RECLAIM_LAB_ELECTRON;
  if (!executable) throw new Error("start these tests with: npm run test:e2e");
  return executable;
}

export interface LabOptions {
  /** More environment: faults on purpose. */
  readonly env?: Readonly<Record<string, string>>;
  /** More arguments: a file to open. */
  readonly args?: readonly string[];
}

/** The running app. */
/** The policy names what this browser does not know and does otherwise (main/electron/security.ts); newer ones may. */
const NO_WEBRTC_DIRECTIVE = "Unrecognized Content-Security-Policy directive 'webrtc'.";

export class LabApp {
  readonly folder: string;
  /** Errors of the page, and what its security policy refused; empty at the end of every test. */
  readonly complaints: string[] = [];
  #app: ElectronApplication | undefined;
  #page: Page | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  get app(): ElectronApplication {
    if (this.#app === undefined) throw new Error("the app is not running");
    return this.#app;
  }

  get page(): Page {
    if (this.#page === undefined) throw new Error("the app is not running");
    return this.#page;
  }

  async start({ env = {}, args = [] }: LabOptions = {}): Promise<void> {
    this.#app = await _electron.launch({
      executablePath: electron(),
      args: [...electronSwitches(), ROOT, ...args],
      env: { ...(process.env as Record<string, string>), RECLAIM_LAB_DATA: this.folder, ...env },
    });
    const page = await this.#app.firstWindow();
    page.on("pageerror", (error) => this.complaints.push(`error: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" && message.text() !== NO_WEBRTC_DIRECTIVE)
        this.complaints.push(`console: ${message.text()}`);
    });
    await page.waitForFunction(() => "lab" in window && document.querySelector("#app")?.firstElementChild !== null);
    this.#page = page;
  }

  async stop(): Promise<void> {
    const app = this.#app;
    this.#app = undefined;
    this.#page = undefined;
    await app?.close();
  }

  async restart(options: LabOptions = {}): Promise<void> {
    await this.stop();
    await this.start(options);
  }

  /** A call of the contract, made by the page as the window itself makes it. */
  async call<N extends WindowCallName>(name: N, ...params: CallArguments<N>): Promise<CallResult<N>> {
    const answer = await this.answer(name, ...params);
    if ("error" in answer) throw new Error(JSON.stringify(answer.error));
    return answer.result as CallResult<N>;
  }

  /** The same, with whatever came back; any name and any parameters. */
  async answer(name: string, ...params: readonly unknown[]): Promise<Answer<unknown>> {
    return this.page.evaluate(
      ([called, given]) => {
        const lab = (globalThis as unknown as { lab: { call(...all: unknown[]): Promise<Answer<unknown>> } }).lab;
        return lab.call(called, ...given);
      },
      [name, params] as const,
    );
  }

  /** The next save dialogs are answered with this path; null: cancelled by the user. */
  async answerSaveDialogs(path: string | null): Promise<void> {
    await this.app.evaluate(({ dialog }, filePath) => {
      dialog.showSaveDialog = (() =>
        Promise.resolve({ canceled: filePath === null, filePath: filePath ?? "" })) as typeof dialog.showSaveDialog;
    }, path);
  }

  /** A picture of the window: under docs/screens with RECLAIM_LAB_SCREENS set (`npm run screens`), else test-results. */
  async screenshot(name: string): Promise<void> {
    const folder = process.env.RECLAIM_LAB_SCREENS
      ? join(ROOT, "docs", "screens")
      : join(ROOT, "test-results", "screens");
    await this.page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
  }

  /** The process of the lab host: the child of the app that has the history as its argument. */
  async hostPid(): Promise<number> {
    const history = join(this.folder, "history.sqlite");
    for (const entry of await readdir("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      const words = await readFile(`/proc/${entry}/cmdline`, "utf8").then(
        (text) => text.split("\0"),
        (): string[] => [],
      );
      if (words.includes(history) && words.some((word) => word.endsWith("host.mjs"))) return Number(entry);
    }
    throw new Error("there is no lab host");
  }

  /** What the window would look like: its content, at a size. */
  async resize(width: number, height: number): Promise<void> {
    await this.app.evaluate(
      ({ BrowserWindow }, size) => {
        BrowserWindow.getAllWindows()[0]?.setContentSize(size.width, size.height);
      },
      { width, height },
    );
    await this.page.waitForFunction((size) => window.innerWidth === size.width && window.innerHeight === size.height, {
      width,
      height,
    });
  }
}
