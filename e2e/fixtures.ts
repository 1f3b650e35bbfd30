/**
 * What every end-to-end test starts from: the real app over a data folder of its own, the system's dialogs answered,
 * and a window that must not complain. The tests of a worker take turns with one window (shared-window.ts), on a display
 * that no other worker draws on.
 */
import { test as base, expect } from "@playwright/test";
import { startDisplay } from "../scripts/lib/xvfb.ts";
import type { LabApp } from "./lab-app.ts";
import { makeDataFolder, removeDataFolder, SharedWindow } from "./shared-window.ts";

export { LabApp, ROOT } from "./lab-app.ts";

interface ForTest {
  /** The window as the first start leaves it. */
  readonly lab: LabApp;
  /** Its data folder, where tests may put files of their own too. */
  readonly dataFolder: string;
  /** A data folder over which nothing runs, for a test that starts the app itself. */
  readonly emptyFolder: string;
}

interface ForWorker {
  readonly display: undefined;
  readonly shared: SharedWindow;
}

export const test = base.extend<ForTest, ForWorker>({
  display: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern to know what a fixture needs
    async ({}, use) => {
      if (process.platform !== "linux") return use(undefined);
      const display = await startDisplay("2560x1440x24");
      process.env.DISPLAY = display.name;
      delete process.env.WAYLAND_DISPLAY;
      await use(undefined);
      display.close();
    },
    { scope: "worker", auto: true },
  ],
  shared: [
    async ({ display: _display }, use) => {
      const shared = new SharedWindow();
      await use(shared);
      await shared.discard();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  dataFolder: async ({ shared }, use) => use(await shared.folder()),
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern to know what a fixture needs
  emptyFolder: async ({}, use) => {
    const folder = await makeDataFolder();
    await use(folder);
    await removeDataFolder(folder);
  },
  lab: async ({ shared }, use, test) => {
    const lab = await shared.take();
    await use(lab);
    const complaints = [...lab.complaints];
    await shared.giveBack(lab.clean && lab.running && test.status === test.expectedStatus && complaints.length === 0);
    expect(complaints, "what the window complained about").toEqual([]);
  },
});

export { expect } from "@playwright/test";
