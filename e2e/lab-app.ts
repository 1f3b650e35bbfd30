/** The running app, driven from outside: by the end-to-end tests, the benchmarks and the long lane. */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { _electron, type ElectronApplication, type Page } from "@playwright/test";
import type { Answer, CallArguments, CallResult, WindowCallName } from "../main/contract.ts";
import { electronSwitches } from "../scripts/lib/display.ts";

export const ROOT = resolve(import.meta.dirname, "..");

/** A start may take so long on a machine that is busy with other things. */
const START_MS_MAX = 90_000;

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

/** The policy names what this browser does not know and does otherwise (main/electron/security.ts); newer ones may. */
const NO_WEBRTC_DIRECTIVE = "Unrecognized Content-Security-Policy directive 'webrtc'.";

/** Pictures are taken in a large window, too. */
export const DRAWS_SCREENS = Boolean(process.env.RECLAIM_LAB_SCREENS);

/** Data folders over which an app runs: a second one over the same would show the first one's window and end. */
const running = new Set<string>();

/** The running app. */
export class LabApp {
  readonly folder: string;
  /** Errors of the page, and what its security policy refused; empty at the end of every test. */
  readonly complaints: string[] = [];
  #app: ElectronApplication | undefined;
  #page: Page | undefined;
  /** Nothing was done to it but what its page can do, and answers to dialogs. */
  clean = true;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Electron's main process, to be changed: this window is not given to another test. */
  get app(): ElectronApplication {
    this.clean = false;
    return this.#started;
  }

  /** The same, to ask it something or to have it do what a user does: nothing in it is changed. */
  get appToAsk(): ElectronApplication {
    return this.#started;
  }

  get #started(): ElectronApplication {
    if (this.#app === undefined) throw new Error("the app is not running");
    return this.#app;
  }

  get running(): boolean {
    return this.#app !== undefined;
  }

  get page(): Page {
    if (this.#page === undefined) throw new Error("the app is not running");
    return this.#page;
  }

  async start({ env = {}, args = [] }: LabOptions = {}): Promise<void> {
    if (running.has(this.folder))
      throw new Error("a window runs over this data folder already: for one of its own, a test takes emptyFolder");
    if (args.length > 0 || Object.keys(env).length > 0) this.clean = false;
    running.add(this.folder);
    this.#app = await _electron.launch({
      executablePath: electron(),
      args: [...electronSwitches(), ROOT, ...args],
      env: {
        ...(process.env as Record<string, string>),
        HOME: dirname(this.folder),
        RECLAIM_LAB_DATA: this.folder,
        ...env,
      },
      timeout: START_MS_MAX,
    });
    const page = await this.#app.firstWindow();
    page.on("pageerror", (error) => this.complaints.push(`error: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" && message.text() !== NO_WEBRTC_DIRECTIVE)
        this.complaints.push(`console: ${message.text()}`);
    });
    this.#page = page;
    await this.#waitForPage();
  }

  async #waitForPage(): Promise<void> {
    await this.page.waitForFunction(
      () => "lab" in window && document.querySelector("#app")?.firstElementChild !== null,
    );
  }

  /** Nobody asks it first. */
  async kill(): Promise<void> {
    const app = this.#started;
    const gone = new Promise<void>((resolve) => app.once("close", () => resolve()));
    process.kill(Number(app.process().pid), "SIGKILL");
    await gone;
    this.#app = undefined;
    this.#page = undefined;
    running.delete(this.folder);
  }

  async stop(): Promise<void> {
    const app = this.#app;
    this.#app = undefined;
    this.#page = undefined;
    await app?.close();
    running.delete(this.folder);
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

  /** The window as the first start leaves it, of a history that was just opened. */
  async renewPage(): Promise<void> {
    this.complaints.length = 0;
    await this.answerSaveDialogs(null);
    await this.answerOpenDialogs(null);
    await this.answerQuestions(1);
    await this.call("app.setSettings", { theme: "system", window: "" });
    await this.page.emulateMedia({ colorScheme: null });
    await this.page.mouse.move(0, 0);
    await this.#started.evaluate(({ BrowserWindow, clipboard }) => {
      clipboard.clear();
      const [window] = BrowserWindow.getAllWindows();
      window?.webContents.setZoomFactor(1);
      // As main/electron/window-state.ts opens the first one.
      window?.setBounds({ width: 1440, height: 900 });
    });
    await this.reload();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.#waitForPage();
  }

  /** As with the theme chosen before this start. */
  async useTheme(theme: "light" | "dark"): Promise<void> {
    await this.call("app.setSettings", { theme });
    await this.reload();
  }

  /** The next save dialogs are answered with this path; null: cancelled by the user. */
  async answerSaveDialogs(path: string | null): Promise<void> {
    await this.#started.evaluate(({ dialog }, filePath) => {
      dialog.showSaveDialog = (() =>
        Promise.resolve({ canceled: filePath === null, filePath: filePath ?? "" })) as typeof dialog.showSaveDialog;
    }, path);
  }

  /** The next dialogs that ask for a file are answered with this one; null: cancelled by the user. */
  async answerOpenDialogs(path: string | null): Promise<void> {
    await this.#started.evaluate(({ dialog }, filePath) => {
      dialog.showOpenDialog = (() =>
        Promise.resolve({
          canceled: filePath === null,
          filePaths: filePath === null ? [] : [filePath],
        })) as typeof dialog.showOpenDialog;
    }, path);
  }

  /** The next questions are answered with this button. */
  async answerQuestions(button: 0 | 1): Promise<void> {
    await this.#started.evaluate(({ dialog }, response) => {
      dialog.showMessageBox = (() =>
        Promise.resolve({ response, checkboxChecked: false })) as typeof dialog.showMessageBox;
    }, button);
  }

  clipboardText(): Promise<string> {
    return this.#started.evaluate(({ clipboard }) => clipboard.readText());
  }

  /** How many windows there are. */
  windowCount(): number {
    return this.#started.windows().length;
  }

  /** A picture of the window, under test-results. */
  async screenshot(name: string): Promise<void> {
    const path = join(ROOT, "test-results", "screens", `${name}.png`);
    await this.page.screenshot({ path, animations: "disabled" });
  }

  /** The process of the lab host: the child of the app that has the history as its argument. */
  async hostPid(): Promise<number> {
    // Whoever asks is about to do something to it.
    this.clean = false;
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
    await this.#started.evaluate(
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
