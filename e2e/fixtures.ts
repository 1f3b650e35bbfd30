/**
 * What every end-to-end test starts from: the real app over a data folder of its own, the system's dialogs answered,
 * and a window that must not complain. `lab` starts when a test first asks for it.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect } from "@playwright/test";
import { LabApp } from "./lab-app.ts";

export { LabApp, ROOT } from "./lab-app.ts";

export const test = base.extend<{ dataFolder: string; lab: LabApp }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern to know what a fixture needs
  dataFolder: async ({}, use) => {
    const around = await mkdtemp(join(tmpdir(), "reclaim-lab-e2e-"));
    const folder = join(around, "reclaim-lab");
    await mkdir(folder);
    await use(folder);
    await rm(around, { recursive: true, force: true });
  },
  lab: async ({ dataFolder }, use) => {
    const lab = new LabApp(dataFolder);
    await lab.start();
    await use(lab);
    await lab.stop();
    expect(lab.complaints, "what the window complained about").toEqual([]);
  },
});

export { expect } from "@playwright/test";
