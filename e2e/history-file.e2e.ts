/** The history as a whole: backed up, restored, added to and checked from the window; reports open without a network. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, type LabApp, test } from "./fixtures.ts";
import { HistoryPane } from "./pages.ts";
import { runToEnd } from "./runs.ts";

const runSmall = (lab: LabApp, title: string): Promise<number> => runToEnd(lab, title, { size: 2 ** 28 });

async function command(lab: LabApp, title: string): Promise<void> {
  await lab.page.keyboard.press("Control+k");
  await expect(lab.page.getByRole("combobox", { name: /^Search runs/ })).toBeFocused();
  await lab.page.keyboard.type(title);
  await lab.page.keyboard.press("Enter");
}

/** Open dialogs give this path; questions are answered with this button. */
async function answerDialogs(lab: LabApp, path: string, button: 0 | 1): Promise<void> {
  await lab.answerOpenDialogs(path);
  await lab.answerQuestions(button);
}

test("back up, change, restore, add what was: nothing is lost", async ({ lab, dataFolder }) => {
  const history = new HistoryPane(lab.page);
  const backup = join(dataFolder, "copy.sqlite");
  await runSmall(lab, "before the backup");
  await lab.answerSaveDialogs(backup);
  await command(lab, "Back up the history");
  await expect(lab.page.getByText("The history was copied to copy.sqlite")).toBeVisible();
  expect((await readFile(backup)).subarray(0, 15).toString()).toBe("SQLite format 3");

  await runSmall(lab, "after the backup");
  await expect(history.rows).toHaveCount(2);
  await answerDialogs(lab, backup, 1);
  expect(await lab.call("history.openBackup")).toEqual({ kept: null });
  await expect(history.rows).toHaveCount(2);

  await answerDialogs(lab, backup, 0);
  const { kept } = await lab.call("history.openBackup");
  await expect(history.rows).toHaveCount(1);
  await expect(history.rows.first()).toContainText("before the backup");

  await answerDialogs(lab, join(dataFolder, kept ?? ""), 0);
  await command(lab, "Add another history");
  await expect(lab.page.getByText("Added 1 experiment with 2 runs")).toBeVisible();
  await expect(history.rows).toHaveCount(2);

  await command(lab, "Check the history");
  await expect(lab.page.getByText("The history is sound", { exact: true })).toBeVisible();
});

test("what is no history is refused in words, and nothing changes", async ({ lab }) => {
  await runSmall(lab, "stays");
  await answerDialogs(lab, join(import.meta.dirname, "fixtures.ts"), 0);
  await command(lab, "Add another history");
  await expect(lab.page.getByText("This file is not a Reclaim Lab history; it was left untouched")).toBeVisible();
  await expect(new HistoryPane(lab.page).rows).toHaveCount(1);
});

test("a report opens by itself, asks no network for anything and prints", async ({ lab, dataFolder }) => {
  const id = await runSmall(lab, "reported");
  const path = join(dataFolder, "report.html");
  await lab.answerSaveDialogs(path);
  expect(await lab.call("export.save", { experimentId: id, format: "html" })).toEqual({ file: "report.html" });
  const seen = await lab.appToAsk.evaluate(async ({ BrowserWindow, session }, file) => {
    const alone = session.fromPartition("report");
    const asked: string[] = [];
    alone.webRequest.onBeforeRequest((request, answer) => {
      asked.push(request.url.slice(0, 7));
      answer({});
    });
    const page = new BrowserWindow({ show: false, webPreferences: { session: alone } });
    await page.loadFile(file);
    const pdf = await page.webContents.printToPDF({});
    const title = page.webContents.getTitle();
    page.destroy();
    return { asked, title, pdf: pdf.subarray(0, 5).toString() };
  }, path);
  expect(seen).toEqual({ asked: ["file://"], title: "reported · Reclaim Lab", pdf: "%PDF-" });
});
