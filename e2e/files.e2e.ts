/** Files in and out: those that were opened lately, and exports dragged out of the window. */
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { expectAccessible } from "./axe.ts";
import { expect, type LabApp, test } from "./fixtures.ts";
import { runHeadline } from "./pages.ts";

const WORKLOAD = [
  '{"format":"reclaim-lab-ops","version":1,"title":"two megabytes"}',
  '{"op":"mmap","addr":17592186044416,"len":4194304,"prot":"rw","backing":"anon"}',
  '{"op":"touch","addr":17592186044416,"len":2097152,"access":"w"}',
  "",
].join("\n");

async function openByDialog(lab: LabApp, path: string): Promise<void> {
  await lab.answerOpenDialogs(path);
  await lab.page.keyboard.press("Control+o");
  await expect(lab.page.getByRole("heading", { level: 1 })).toHaveText(basename(path));
}

/** The native menu's File > Open Recent, as labels. */
const recentMenu = (lab: LabApp): Promise<string[]> =>
  lab.appToAsk.evaluate(({ Menu }) => {
    const file = Menu.getApplicationMenu()?.items.find((item) => item.label === "&File");
    const recent = file?.submenu?.items.find((item) => item.label === "Open Recen&t");
    return (recent?.enabled ? recent.submenu?.items : [])?.flatMap((item) => item.label || []) ?? [];
  });

const clickRecent = (lab: LabApp, label: string): Promise<void> =>
  lab.appToAsk.evaluate(({ Menu }, wanted) => {
    const file = Menu.getApplicationMenu()?.items.find((item) => item.label === "&File");
    const recent = file?.submenu?.items.find((item) => item.label === "Open Recen&t");
    recent?.submenu?.items.find((item) => item.label === wanted)?.click();
  }, label);

test("files opened lately: in the native menu, the window's menu and the palette, after a restart too", async ({
  lab,
  dataFolder,
}) => {
  const folder = join(dataFolder, "captures");
  await mkdir(folder);
  for (const name of ["monday.ops.jsonl", "tuesday.ops.jsonl"]) await writeFile(join(folder, name), WORKLOAD);
  await lab.resize(1280, 800);
  expect(await recentMenu(lab)).toEqual([]);
  await openByDialog(lab, join(folder, "monday.ops.jsonl"));
  await openByDialog(lab, join(folder, "tuesday.ops.jsonl"));
  await lab.restart();
  const { page } = lab;
  await lab.resize(1280, 800);
  expect(await recentMenu(lab)).toEqual([
    "tuesday.ops.jsonl (captures)",
    "monday.ops.jsonl (captures)",
    "&Clear This List",
  ]);
  expect(JSON.stringify(await lab.call("file.recent"))).not.toContain(dataFolder);
  await clickRecent(lab, "monday.ops.jsonl (captures)");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("monday.ops.jsonl");

  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: /^Search runs/ })).toBeFocused();
  await page.keyboard.type("tuesday");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("tuesday.ops.jsonl");

  await page.getByRole("banner").getByRole("button", { name: "Open trace" }).click();
  await expectAccessible(page, "the menu of files");
  await lab.screenshot("recent-files");
  await rm(join(folder, "monday.ops.jsonl"));
  await page.getByRole("menuitem", { name: /^monday/ }).click();
  const told = page.getByRole("listitem").filter({ hasText: "monday.ops.jsonl no longer exists" });
  await expect(told).toContainText("moved, renamed or deleted");
  await expect.poll(() => recentMenu(lab)).toEqual(["tuesday.ops.jsonl (captures)", "&Clear This List"]);

  await page.getByRole("banner").getByRole("button", { name: "Open trace" }).click();
  await page.getByRole("menuitem", { name: "How to record one" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Would it help my program?");
  await expectAccessible(page, "the page about traces");
  await lab.screenshot("trace-none");
  await page
    .locator("main")
    .getByRole("button", { name: /^tuesday/ })
    .click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("tuesday.ops.jsonl");
  await clickRecent(lab, "&Clear This List");
  await expect.poll(() => recentMenu(lab)).toEqual([]);
  expect(await lab.call("file.recent")).toEqual([]);
});

test("an export is dragged out of the window: written by its id, taken by the system, gone with the program", async ({
  lab,
  dataFolder,
}) => {
  const { page } = lab;
  const shown = await runHeadline(page);
  // The system's drag would go on until a pointer that nobody holds is let go: what it is asked for is what counts.
  await lab.app.evaluate(({ BrowserWindow }) => {
    const [window] = BrowserWindow.getAllWindows();
    const taken: string[] = [];
    Object.assign(globalThis, { taken });
    if (window)
      window.webContents.startDrag = ({ file, icon }) => {
        if (icon instanceof Object && !icon.isEmpty()) taken.push(String(file));
      };
  });
  const taken = () => lab.app.evaluate(() => (globalThis as unknown as { taken: string[] }).taken);
  await page.locator("main").getByRole("button", { name: "Export", exact: true }).click();
  await expectAccessible(page, "the menu of exports");
  await lab.screenshot("export-menu");
  const item = await page.getByRole("menuitem", { name: /^CSV/ }).boundingBox();
  if (!item) throw new Error("there is no CSV in the menu");
  await page.mouse.move(item.x + 20, item.y + 10);
  await page.mouse.down();
  await page.mouse.move(item.x - 60, item.y + 40, { steps: 5 });
  await page.mouse.move(item.x - 200, item.y + 80, { steps: 5 });
  await expect.poll(taken).toHaveLength(1);
  await page.mouse.up();
  const [file = ""] = await taken();
  expect(basename(file)).toBe("the-series-own-experiment-1.csv");
  expect(file.startsWith(dataFolder)).toBe(false);

  // The same bytes as a saved export.
  await page.keyboard.press("Escape");
  await lab.answerSaveDialogs(join(dataFolder, "saved.csv"));
  await shown.exportAs("CSV");
  await expect(page.getByText("Exported saved.csv")).toBeVisible();
  expect((await readFile(file)).equals(await readFile(join(dataFolder, "saved.csv")))).toBe(true);

  // Only what was staged can be dragged: no path, no made-up token.
  const refused = await lab.answer("export.drag", { token: "AAAAAAAAAAAAAAAA" });
  expect(refused).toMatchObject({ error: { message: "There is no such file to drag" } });
  expect(await lab.answer("export.drag", { token: "../../etc/passwd" })).toHaveProperty("error");
  expect(await lab.answer("export.stage", { experimentId: 1, format: "csv", path: "/etc/passwd" })).toHaveProperty(
    "result",
  );
  await lab.stop();
  await expect.poll(() => stat(dirname(dirname(file))).catch(() => "gone")).toBe("gone");
});
