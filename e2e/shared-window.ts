/**
 * A started window that the tests of a worker take turns with: starting the app takes longer than most tests. Each
 * finds it as the first start leaves it: an empty history.sqlite, first settings, no recent files, a new page. Where a
 * test failed, changed Electron's main process or gave the program faults, the next one starts the app anew.
 */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LabApp } from "./lab-app.ts";

/** An empty data folder in a home of its own, which pictures show as ~. */
export async function makeDataFolder(): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), "reclaim-lab-e2e-")), "reclaim-lab");
  await mkdir(folder);
  return folder;
}

export const removeDataFolder = (folder: string): Promise<void> => rm(join(folder, ".."), { recursive: true });

export class SharedWindow {
  #lab: LabApp | undefined;
  /** What the data folder has after the first start; all else is a test's. */
  #first: ReadonlySet<string> = new Set();
  /** The test that runs now has been given the window. */
  #taken = false;

  /** The data folder, for the test that runs now. */
  async folder(): Promise<string> {
    if (!this.#taken && this.#lab !== undefined && !this.#lab.clean) await this.discard();
    this.#lab ??= new LabApp(await makeDataFolder());
    return this.#lab.folder;
  }

  /** The window as new. */
  async take(): Promise<LabApp> {
    await this.folder();
    const lab = this.#lab as LabApp;
    if (lab.running) await this.#renew(lab);
    else {
      await lab.start();
      this.#first = new Set(await readdir(lab.folder));
    }
    this.#taken = true;
    return lab;
  }

  /** After the test: `usable` where nothing is known against giving the window to another. */
  async giveBack(usable: boolean): Promise<void> {
    this.#taken = false;
    if (!usable) await this.discard();
  }

  async discard(): Promise<void> {
    const lab = this.#lab;
    this.#lab = undefined;
    if (lab === undefined) return;
    await lab.stop();
    await removeDataFolder(lab.folder);
  }

  async #renew(lab: LabApp): Promise<void> {
    // As the window itself starts a new history: elsewhere first, since the next one is to have the first one's name.
    const { name } = await lab.call("rescue.startNew");
    await this.#clear(lab, (each) => each.startsWith(name) || (this.#first.has(each) && !each.startsWith("history.")));
    await lab.answerSaveDialogs(join(lab.folder, "history.sqlite"));
    await lab.call("rescue.chooseNew");
    await this.#clear(lab, (each) => this.#first.has(each));
    await lab.call("file.clearRecent");
    await lab.renewPage();
  }

  async #clear(lab: LabApp, keep: (name: string) => boolean): Promise<void> {
    for (const name of await readdir(lab.folder))
      if (!keep(name)) await rm(join(lab.folder, name), { recursive: true, force: true });
  }
}
