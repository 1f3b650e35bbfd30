/** The menu of a row of the history, by mouse and by keys; and the dialog for what people say of an experiment. */
import { expectAccessible } from "./axe.ts";
import { expect, type LabApp, test } from "./fixtures.ts";
import { ExperimentPage, HistoryPane } from "./pages.ts";
import { runToEnd } from "./runs.ts";

const runSmall = (lab: LabApp, title: string): Promise<number> => runToEnd(lab, title, { size: 2 ** 28 });

for (const theme of ["light", "dark"] as const)
  test(`by the right button: open, rename, tag, pin, compare, export, archive, delete (${theme})`, async ({
    lab,
    dataFolder,
  }) => {
    await lab.useTheme(theme);
    await lab.resize(1280, 800);
    const { page } = lab;
    const first = await runSmall(lab, "the first");
    await runSmall(lab, "the second");
    const { rows } = new HistoryPane(page);
    const row = (title: string) => rows.filter({ hasText: title });
    const choose = async (title: string, item: RegExp | string): Promise<void> => {
      await row(title).click({ button: "right" });
      await page.getByRole("menuitem", { name: item, exact: typeof item === "string" }).click();
    };
    await row("the second").click();
    await row("the first").click({ button: "right" });
    await expect(page.getByRole("menu", { name: "the first" })).toBeVisible();
    await expectAccessible(page, "the menu of a row");
    await lab.screenshot(`row-menu-${theme}`);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("menu")).toHaveCount(0);
    await expect(page.locator("#history-list")).toBeFocused();

    await choose("the first", "Compare with the open one");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Compare 4 runs");
    await choose("the first", /^Open/);
    await expect(new ExperimentPage(page).title).toHaveText("the first");
    await choose("the first", /^Rename/);
    const dialog = page.getByRole("dialog", { name: "Title, tags and notes" });
    await expect(dialog.getByRole("textbox", { name: "Title" })).toBeFocused();
    await page.keyboard.type(" ");
    await expect(dialog).toContainText("A title cannot be empty");
    await expect(dialog.getByRole("button", { name: "Save" })).toBeDisabled();
    await page.keyboard.type("renamed");
    await expectAccessible(page, "the dialog");
    await lab.screenshot(`describe-${theme}`);
    await page.keyboard.press("Enter");
    await expect(row("renamed")).toBeVisible();
    await choose("renamed", /^Tags/);
    await expect(dialog.getByRole("textbox", { name: "Tags" })).toBeFocused();
    await page.keyboard.type("canary, 6.18");
    await dialog.getByRole("textbox", { name: "Notes" }).fill("before the upgrade");
    await page.keyboard.press("Control+Enter");
    await expect(dialog).toHaveCount(0);
    await choose("renamed", /^Pin/);
    expect(await lab.call("experiment.get", { id: first })).toMatchObject({
      title: "renamed",
      tags: ["6.18", "canary"],
      notes: "before the upgrade",
    });
    await expect.poll(async () => (await lab.call("experiment.get", { id: first })).pinned).toBe(true);

    await lab.answerSaveDialogs(`${dataFolder}/row.csv`);
    await row("renamed").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Export" }).hover();
    await page.getByRole("menuitem", { name: "CSV…" }).click();
    await expect(page.getByText("Exported row.csv")).toBeVisible();
    await choose("renamed", "Run again");
    await expect(rows).toHaveCount(3);
    await choose("the second", /^Delete/);
    await expect(rows).toHaveCount(2);
    await row("renamed")
      .first()
      .click({ modifiers: ["Control"] });
    await row("renamed")
      .last()
      .click({ modifiers: ["Control"] });
    await row("renamed").first().click({ button: "right" });
    await expect(page.getByRole("menu", { name: "2 experiments" })).toBeVisible();
    await page.getByRole("menuitem", { name: "Archive" }).click();
    await expect(page.getByText(/Experiments are kept here/)).toBeVisible();
  });

test("by keys: Shift F10 opens the menu at the row, F2 renames it, Escape goes back to the list", async ({ lab }) => {
  const { page } = lab;
  await runSmall(lab, "the first");
  await runSmall(lab, "the second");
  await expect(new HistoryPane(page).rows).toHaveCount(2);
  await page.keyboard.press("Control+1");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Shift+F10");
  await expect(page.getByRole("menu", { name: "the first" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.locator("#history-list")).toBeFocused();
  await page.keyboard.press("ContextMenu");
  await expect(page.getByRole("menu", { name: "the first" })).toBeVisible();
  await expect(page.getByRole("menuitem", { name: /^Open/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(new ExperimentPage(page).title).toHaveText("the first");
  await page.keyboard.press("Control+1");
  await page.keyboard.press("F2");
  await expect(page.getByRole("textbox", { name: "Title", exact: true })).toBeFocused();
  await page.keyboard.type("by keys");
  await page.keyboard.press("Enter");
  await expect(new ExperimentPage(page).title).toHaveText("by keys");
});
