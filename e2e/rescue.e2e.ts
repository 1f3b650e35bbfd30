/** A history that cannot be opened: what the window offers, done in the real window; the old file is never changed. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { addSamples, damagePage } from "../db/testing.ts";
import { expectAccessible } from "./axe.ts";
import { expect, LabApp, ROOT, test } from "./fixtures.ts";
import { drawLarge } from "./large.ts";
import { HistoryPane } from "./pages.ts";

const digest = async (file: string) =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

/** The command line over a history. */
const command = (...words: readonly string[]) =>
  promisify(execFile)(process.execPath, [join(ROOT, "main", "cli.ts"), ...words]);

/** A history with an experiment and a remembered backup of it; then it is damaged as `harm` says. */
async function prepare(folder: string, harm: (file: string) => Promise<void>): Promise<{ file: string; old: string }> {
  const file = join(folder, "history.sqlite");
  const title = ["--title", "kept in the backup"];
  await command("run", "commit-table", "--set", "size=1G", "--db", file, ...title);
  await command("history", "backup", join(folder, "elsewhere.sqlite"), "--db", file);
  await harm(file);
  return { file, old: await digest(file) };
}

const cutOff = async (file: string) => truncate(file, (await readFile(file)).length - 5 * 4096);
const newer = async (file: string) => {
  const bytes = await readFile(file);
  bytes.writeUInt32BE(99, 60);
  await writeFile(file, bytes);
};
const letter = (file: string) => writeFile(file, "Dear all,\n".repeat(50));

test("damaged: what can be read is recovered and opened; it says what", async ({ emptyFolder: dataFolder }) => {
  const { file, old } = await prepare(dataFolder, cutOff);
  const lab = new LabApp(dataFolder);
  await lab.start();
  await expect(lab.page.getByRole("heading", { name: "This history is damaged; it was left untouched" })).toBeVisible();
  await lab.page.getByRole("button", { name: "Recover", exact: true }).click();
  await expect(lab.page.getByRole("status")).toHaveText(
    // Samples lie in the pages that were cut off, and the records of the runs, too, where the last batches came late; their
    // index still says whose they are.
    /1 experiment, 2 runs and\s+[\d,]+ samples were saved in history-recovered-2\.sqlite\.\s+Partly lost: (run, )?sample\./,
  );
  await lab.screenshot("rescue-recovered");
  await lab.page.getByRole("button", { name: "Open history-recovered-2.sqlite" }).first().click();
  await expect(new HistoryPane(lab.page).rows).toHaveCount(1);
  await expect(lab.page.getByText("The history is now history-recovered-2.sqlite")).toBeVisible();
  expect(await digest(file)).toBe(old);
  await lab.restart();
  await expect(new HistoryPane(lab.page).rows).toHaveCount(1);
  await lab.stop();
});

test("newer: the backup is opened as a history of its own, and is still open after a restart", async ({
  emptyFolder: dataFolder,
}) => {
  const { file, old } = await prepare(dataFolder, newer);
  const backup = await digest(join(dataFolder, "elsewhere.sqlite"));
  const lab = new LabApp(dataFolder);
  await lab.start();
  await expect(lab.page.getByRole("heading", { name: /from a newer Reclaim Lab/ })).toBeVisible();
  await expect(lab.page.getByRole("button", { name: "Recover", exact: true })).toHaveCount(0);
  await expect(lab.page.getByRole("list", { name: "Copies of the history" })).toContainText("Backup");
  await lab.page.getByRole("button", { name: "Open elsewhere.sqlite" }).click();
  await expect(new HistoryPane(lab.page).rows.first()).toContainText("kept in the backup");
  await lab.restart();
  await expect(new HistoryPane(lab.page).rows).toHaveCount(1);
  expect([await digest(file), await digest(join(dataFolder, "elsewhere.sqlite"))]).toEqual([old, backup]);
  expect(await readdir(dataFolder)).toEqual(expect.arrayContaining(["history-2.sqlite", "history.json"]));
  await lab.stop();
});

test("foreign: a new history is started beside it; an experiment runs in it", async ({ emptyFolder: dataFolder }) => {
  const { file, old } = await prepare(dataFolder, letter);
  const lab = new LabApp(dataFolder);
  await lab.start();
  await expect(lab.page.getByRole("heading", { name: /not a Reclaim Lab history/ })).toBeVisible();
  await lab.page.getByRole("button", { name: /^Try / }).click();
  await expect(lab.page.getByRole("alert").first()).toContainText("not a Reclaim Lab history");
  await lab.page.getByRole("button", { name: "Start a new history" }).click();
  await lab.page.getByRole("button", { name: "Run the 50 GB experiment" }).click();
  await expect(new HistoryPane(lab.page).rows).toHaveCount(1);
  expect(await digest(file)).toBe(old);
  await lab.stop();
});

test("big, and damaged among its samples: the window opens, finds out, and says what can be done", async ({
  emptyFolder: dataFolder,
}) => {
  const { file } = await prepare(dataFolder, async (big) => {
    addSamples(big, 1, 1_000_000, 250_000);
    damagePage(big);
  });
  const lab = new LabApp(dataFolder);
  await lab.start();
  await expect(
    lab.page.getByRole("heading", { name: "This history is damaged; nothing more is written" }),
  ).toBeVisible();
  await expect(lab.page.getByRole("button", { name: "Open elsewhere.sqlite" })).toBeVisible();
  await lab.screenshot("rescue-found-later");
  await lab.page.getByRole("button", { name: "Recover", exact: true }).click();
  await expect(lab.page.getByRole("status")).toContainText("Partly lost: sample.");
  await lab.page.getByRole("button", { name: "Open history-recovered-2.sqlite" }).first().click();
  await expect(new HistoryPane(lab.page).rows).toHaveCount(1);
  await lab.stop();
  expect((await readFile(file)).length).toBeGreaterThan(33 * 2 ** 20);
});

test("axe finds nothing where the history is damaged, light and dark", async ({ emptyFolder: dataFolder }) => {
  await prepare(dataFolder, cutOff);
  const lab = new LabApp(dataFolder);
  await lab.start();
  await lab.resize(1280, 800);
  for (const theme of ["light", "dark"] as const) {
    await lab.useTheme(theme);
    await expect(lab.page.getByRole("button", { name: "Open elsewhere.sqlite" })).toBeVisible();
    await expectAccessible(lab.page, theme);
    await lab.screenshot(`rescue-${theme}`);
    await drawLarge(lab, `rescue-${theme}`);
  }
  await lab.stop();
});
