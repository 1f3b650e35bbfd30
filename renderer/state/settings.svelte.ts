import type { Settings } from "../../main/contract.ts";
import { call } from "./lab.ts";

/** What the window remembers of itself between launches. */
export interface Remembered {
  readonly metric: string;
  readonly log: boolean;
  readonly axis: "operations" | "time";
  /** The same for programs that were recorded. */
  readonly programAxis: "operations" | "time";
  /** How many of a program run: what its page tables come to together. */
  readonly instances: number;
  /** The policy that the others are compared with; empty: the default. */
  readonly baseline: string;
  readonly historySort: string;
  readonly historyDescending: boolean;
  readonly historyColumns: readonly string[];
  /** What the table of the history shows, and the views of it that have a name (history-table.svelte.ts). */
  readonly historyTable: object;
  readonly historyViews: readonly object[];
}

const DEFAULTS: Remembered = {
  metric: "vmpte",
  log: true,
  axis: "operations",
  programAxis: "time",
  instances: 1,
  baseline: "",
  historySort: "created",
  historyDescending: true,
  historyColumns: ["saving", "sparkline"],
  historyTable: {},
  historyViews: [],
};

function readRemembered(text: string): Remembered {
  try {
    const found: unknown = JSON.parse(text || "{}");
    if (typeof found !== "object" || found === null) return DEFAULTS;
    const known = Object.entries(found).filter(
      ([key, value]) => key in DEFAULTS && typeof value === typeof DEFAULTS[key as keyof Remembered],
    );
    return { ...DEFAULTS, ...Object.fromEntries(known) };
  } catch {
    return DEFAULTS;
  }
}

class WindowSettings {
  theme = $state<Settings["theme"]>("system");
  remembered = $state.raw<Remembered>(DEFAULTS);
  /** What the system says, where the theme follows it. */
  #systemDark = $state(matchMedia("(prefers-color-scheme: dark)").matches);
  dark = $derived(this.theme === "system" ? this.#systemDark : this.theme === "dark");

  constructor() {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
      this.#systemDark = event.matches;
    });
  }

  async load(): Promise<void> {
    const stored = await call("app.getSettings");
    this.remembered = readRemembered(stored.window);
    this.#show(stored.theme);
  }

  async setTheme(theme: Settings["theme"]): Promise<void> {
    this.#show(theme);
    await call("app.setSettings", { theme });
  }

  /** Keeps what changed for the next launch. */
  remember(changes: Partial<Remembered>): void {
    this.remembered = { ...this.remembered, ...changes };
    void call("app.setSettings", { window: JSON.stringify(this.remembered) });
  }

  #show(theme: Settings["theme"]): void {
    this.theme = theme;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}

export const settings = new WindowSettings();
