/** Traces: open one with the dialog or drop it, choose the process, replay it, read the verdict. */
import { copyFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expectAccessible } from "./axe.ts";
import { expect, ROOT, test } from "./fixtures.ts";
import { ExperimentPage } from "./pages.ts";

const TRACE = join(ROOT, "engine", "workload", "testdata", "traces", "jemalloc-sparse", "events.txt.gz");

for (const theme of ["light", "dark"] as const)
  test(`a trace of a program is replayed and answered (${theme})`, async ({ lab }) => {
    const look = async (name: string): Promise<void> => {
      await expectAccessible(lab.page, `${name}, ${theme}`);
      await lab.screenshot(`${name}-${theme}`);
    };
    await lab.useTheme(theme);
    const { page } = lab;
    await lab.resize(1280, 800);
    await lab.answerOpenDialogs(TRACE);
    await page.getByRole("banner").getByRole("button", { name: "Open trace" }).click();
    await page.getByRole("menuitem", { name: /^Choose a file/ }).click();
    // The trace of a capture is the capture, called after its program.
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("sparse");
    await expect(page.getByText("with measured VmPTE")).toBeVisible();
    await expect(page.getByRole("radio", { name: "sparse", exact: true })).toBeChecked();
    await look("trace");
    await page.getByRole("button", { name: "Replay under 2 policies" }).click();
    const shown = new ExperimentPage(page);
    await expect(shown.numbers).toBeVisible();
    await shown.waitUntilDone();
    const verdict = page.getByRole("region", { name: "Verdict" });
    await expect(verdict).toContainText(/Would (not )?help/);
    await expect(shown.title).toContainText("sparse");
    await expect(page.getByRole("navigation", { name: "History" }).getByRole("option").first()).toContainText("sparse");
    // By the program's time; what was measured is drawn over the model, and is what the model says.
    const chart = page.getByRole("slider", { name: "VmPTE over time" });
    await chart.focus();
    await page.keyboard.press("End");
    await expect(chart).toHaveAttribute("aria-valuetext", /sync reclaim, model (\S+ \S+), sync reclaim, measured \1/);
    await look("overlay");
    await expect(verdict.getByRole("row", { name: /at its peak/ })).toContainText(/[KM]iB/);
    // The map replays the file: it has a table wherever the sample counts one, and says so where the file is gone.
    const map = page.getByRole("region", { name: "Page tables" });
    await expect(map.getByRole("list")).toContainText(/empty 1,\d{3}/);
    await verdict.scrollIntoViewIfNeeded();
    await look("verdict");
  });

test("where the file of a run has gone, map and another run say so; back in its place, both work", async ({
  lab,
  dataFolder,
}) => {
  const { page } = lab;
  const path = join(dataFolder, "captured.txt.gz");
  const elsewhere = join(dataFolder, "moved.txt.gz");
  await copyFile(TRACE, path);
  await lab.answerOpenDialogs(path);
  await page.keyboard.press("Control+o");
  await page.getByRole("button", { name: "Replay under 2 policies" }).click();
  const shown = new ExperimentPage(page);
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();
  await rename(path, elsewhere);
  await lab.restart();
  const panel = lab.page.getByRole("region", { name: "Page tables" });
  await expect(panel.getByRole("alert")).toContainText("The file of this experiment is gone");
  await expect(panel.getByRole("alert")).toContainText("Open the file and run it as a new experiment");
  await expect(panel.getByRole("list")).toBeHidden();
  const history = lab.page.getByRole("navigation", { name: "History" }).getByRole("option");
  await lab.page.getByRole("button", { name: "Run again" }).click();
  await expect(lab.page.getByRole("listitem").filter({ hasText: "The file of this experiment is gone" })).toBeVisible();
  await expect(history).toHaveCount(1);
  await expectAccessible(lab.page, "an experiment whose file is gone");
  await lab.screenshot("file-gone");

  await rename(elsewhere, path);
  const moment = panel.getByRole("slider", { name: /Moment/ });
  await moment.focus();
  await lab.page.keyboard.press("ArrowLeft");
  await expect(panel.getByRole("list")).toContainText(/empty 1,\d{3}/);
  await expect(panel.getByRole("alert")).toBeHidden();
  await lab.page.getByRole("button", { name: "Run again" }).click();
  await expect(history).toHaveCount(2);
  await new ExperimentPage(lab.page).waitUntilDone();
});

test("a capture's folder is opened by the dialog and dropped as one, and is recent by its program's name", async ({
  lab,
}) => {
  const { page } = lab;
  const folder = join(ROOT, "engine", "workload", "testdata", "traces", "redis-default");
  await lab.answerOpenDialogs(folder);
  await page.keyboard.press("Control+Shift+o");
  const title = page.getByRole("heading", { level: 1 });
  await expect(title).toHaveText("redis-server");
  await expect(page.getByRole("row", { name: /redis-server/ }).first()).toContainText("measured");
  await page.getByRole("banner").getByRole("button", { name: "Open trace" }).click();
  await expect(page.getByRole("menuitem", { name: "redis-server redis-default" })).toBeVisible();
  await page.getByRole("menuitem", { name: "How to record one" }).click();
  await expect(title).toHaveText("Would it help my program?");

  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [folder], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await session.send("Input.dispatchDragEvent", { type, x: 640, y: 400, data });
  await expect(title).toHaveText("redis-server");
});

test("a file that is no trace is refused with the reason", async ({ lab, dataFolder }) => {
  const path = join(dataFolder, "letter.txt");
  await writeFile(path, "Dear reader,\nthis is no trace.\n");
  await lab.answerOpenDialogs(path);
  await lab.page.keyboard.press("Control+o");
  await expect(lab.page.getByRole("listitem").filter({ hasText: "letter.txt" })).toBeVisible();
  await expect(lab.page.getByRole("heading", { level: 1 })).not.toHaveText("letter.txt");
});

test("a dropped file without a path is refused", async ({ lab }) => {
  const content = (await readFile(TRACE)).toString("base64");
  const data = await lab.page.evaluateHandle((base64) => {
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], "made-up.txt.gz"));
    return transfer;
  }, content);
  await lab.page.locator("main").dispatchEvent("drop", { dataTransfer: data });
  await expect(lab.page.getByText("This is not a local file")).toBeVisible();
});
