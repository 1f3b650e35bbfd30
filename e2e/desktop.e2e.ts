/** What the desktop gives and takes: files, the clipboard, the task bar. */
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "./fixtures.ts";
import { WORKLOAD } from "./runs.ts";
import { startAgain } from "./start-again.ts";

test("a workload file chosen in the dialog is opened by token and run, its path kept from the page", async ({
  lab,
  dataFolder,
}) => {
  const path = join(dataFolder, "two.ops.jsonl");
  await writeFile(path, WORKLOAD);
  await lab.answerOpenDialogs(path);
  const opened = await lab.call("file.choose");
  expect(opened).toMatchObject({ name: "two.ops.jsonl", format: "ops" });
  expect(JSON.stringify(opened)).not.toContain(dataFolder);
  const started = await lab.call("experiment.start", { workload: { kind: "file", token: opened?.token ?? "" } });
  await expect
    .poll(async () => (await lab.call("experiment.get", { id: started.id })).runs.map((run) => run.status))
    .toEqual(["done", "done"]);
  const { runs } = await lab.call("experiment.get", { id: started.id });
  const [none, sync] = runs.map((run) => run.summary);
  expect((none?.final.vmpte_kb ?? 0) - (sync?.final.vmpte_kb ?? 0)).toBe(4);
});

test("a File that the page made itself opens nothing", async ({ lab }) => {
  const answer = await lab.page.evaluate(() => window.lab.openDropped(new File(["{}"], "/etc/passwd")));
  expect("error" in answer ? answer.error.message : "").toContain("not a local file");
});

test("a second start with a file opens it in the first window", async ({ lab, dataFolder }) => {
  const path = join(dataFolder, "given.ops.jsonl");
  await writeFile(join(dataFolder, "source.jsonl"), WORKLOAD);
  await copyFile(join(dataFolder, "source.jsonl"), path);
  const told = lab.page.evaluate(
    () => new Promise<string>((resolve) => window.lab.on("file.opened", (file) => resolve(file.name))),
  );
  expect(await startAgain(dataFolder, [path])).toBe(0);
  expect(await told).toBe("given.ops.jsonl");
});

test("text and pictures go to the clipboard by way of main; the page itself has none", async ({ lab }) => {
  await lab.call("clipboard.writeText", { text: "240 kB" });
  expect(await lab.clipboardText()).toBe("240 kB");
  const refused = await lab.page.evaluate(async () => {
    const png = new Uint8Array(64);
    return window.lab.call("clipboard.writePicture", { png });
  });
  expect("error" in refused ? refused.error.message : "").toContain("not a picture");
  const written = await lab.page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    canvas.width = 8;
    canvas.height = 4;
    canvas.getContext("2d")?.fillRect(0, 0, 8, 4);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
    return window.lab.call("clipboard.writePicture", { png: new Uint8Array((await blob?.arrayBuffer()) ?? []) });
  });
  expect("error" in written).toBe(false);
});

test("long work moves the task bar's bar, and says that it ended when the window is behind others", async ({ lab }) => {
  await lab.app.evaluate(({ BrowserWindow, Notification }) => {
    const window = BrowserWindow.getAllWindows()[0];
    const seen = { bars: [] as number[], notes: [] as string[] };
    Object.assign(globalThis, { seen });
    window.setProgressBar = (share: number) => void seen.bars.push(share);
    window.isFocused = () => false;
    Notification.isSupported = () => true;
    Notification.prototype.show = function show(this: Electron.Notification) {
      seen.notes.push(`${this.title}: ${this.body}`);
    };
  });
  const seen = () =>
    lab.app.evaluate(() => (globalThis as unknown as { seen: { bars: number[]; notes: string[] } }).seen);
  const start = async (title: string, rounds: number): Promise<void> => {
    const before = (await seen()).bars.length;
    await lab.call("experiment.start", {
      title,
      workload: { kind: "preset", name: "commit-table", params: { rounds } },
    });
    await expect.poll(async () => (await seen()).bars.slice(before).at(-1)).toBe(-1);
  };

  await start("a short one", 1);
  expect((await seen()).notes).toEqual([]);
  // A minute passes between its first word and its last.
  await lab.app.evaluate(() => {
    const now = performance.now.bind(performance);
    let minutes = 0;
    performance.now = () => now() + 60_000 * minutes++;
  });
  await start("a long one", 4);
  const { bars, notes } = await seen();
  expect(notes).toEqual(["a long one: Done"]);
  expect(bars.some((share) => share > 0 && share < 1)).toBe(true);
  expect(bars.every((share) => share === -1 || (share >= 0 && share <= 1))).toBe(true);
});
