/** The history: search, rename, tags, notes, pin, archive, delete and bring back, compare what is selected. */
import { expect, type LabApp, test } from "./fixtures.ts";
import { cutRing } from "./focus.ts";
import { ExperimentPage, HistoryPane } from "./pages.ts";
import { runToEnd } from "./runs.ts";

const runSmall = (lab: LabApp, title: string, params: Record<string, number> = {}): Promise<number> =>
  runToEnd(lab, title, { size: 2 ** 30, ...params });

test("search finds words of title, tags and notes; what does not match says so", async ({ lab }) => {
  const id = await runSmall(lab, "first of all");
  await runSmall(lab, "second thoughts");
  await lab.call("experiment.describe", { id, tags: ["canary"], notes: "before the upgrade" });
  const history = new HistoryPane(lab.page);
  await expect(history.rows).toHaveCount(2);
  for (const words of ["second", "canary", "upgrade"]) {
    await history.search.fill(words);
    await expect(history.rows).toHaveCount(1);
  }
  await history.search.fill("nothing of the kind");
  await expect(lab.page.getByText("No experiment matches.")).toBeVisible();
  await lab.page.getByRole("button", { name: "Show all experiments" }).click();
  await expect(history.rows).toHaveCount(2);
});

test("rename, tag, note and pin an experiment; all of it is there after a restart", async ({ lab }) => {
  await runSmall(lab, "to be renamed");
  const history = new HistoryPane(lab.page);
  const shown = new ExperimentPage(lab.page);
  await history.rows.first().click();
  await lab.page.getByRole("button", { name: "Rename" }).click();
  await lab.page.getByRole("textbox", { name: "Title" }).fill("a better name");
  await lab.page.keyboard.press("Enter");
  await expect(shown.title).toHaveText("a better name");
  await lab.page.getByRole("textbox", { name: "Add a tag" }).fill("nightly");
  await lab.page.keyboard.press("Enter");
  await expect(lab.page.getByRole("button", { name: "Remove the tag nightly" })).toBeVisible();
  await lab.page.getByRole("textbox", { name: "Notes" }).fill("on the quiet machine");
  await lab.page.getByRole("textbox", { name: "Notes" }).blur();
  await lab.page.locator("main").getByRole("slider").first().focus();
  await lab.page.keyboard.press("Control+b");
  await expect(lab.page.locator("main")).toContainText("baseline");
  await lab.restart();
  const { rows } = await lab.call("history.list", {});
  expect(rows[0]).toMatchObject({
    title: "a better name",
    tags: ["nightly"],
    notes: "on the quiet machine",
    pinned: true,
  });
});

test("delete can be undone from the toast and with Ctrl Z", async ({ lab }) => {
  await runSmall(lab, "kept");
  await runSmall(lab, "thrown away");
  const history = new HistoryPane(lab.page);
  await history.rows.filter({ hasText: "thrown away" }).click();
  await expect(lab.page.locator("main").getByRole("heading", { level: 1 })).toHaveText("thrown away");
  await lab.page.locator("#history-list").focus();
  await lab.page.keyboard.press("Delete");
  await expect(history.rows).toHaveCount(1);
  // What stood beside it is opened in its place.
  await expect(lab.page.locator("main").getByRole("heading", { level: 1 })).toHaveText("kept");
  await lab.page.getByRole("button", { name: "Undo" }).click();
  await expect(history.rows).toHaveCount(2);
  await lab.page.locator("#history-list").focus();
  await lab.page.keyboard.press("Delete");
  await expect(history.rows).toHaveCount(1);
  await lab.page.keyboard.press("Control+z");
  await expect(history.rows).toHaveCount(2);
});

test("after a delete, list and page speak of the same one; a selection begins with what is open", async ({ lab }) => {
  for (const title of ["one", "two", "three"]) await runSmall(lab, title);
  const { page } = lab;
  const history = new HistoryPane(page);
  const heading = page.locator("main").getByRole("heading", { level: 1 });
  await expect(history.rows).toHaveCount(3);
  await history.rows.filter({ hasText: "two" }).click();
  await expect(heading).toHaveText("two");
  // At no moment is the page one that is gone while the list stands on another.
  await page.evaluate(() => {
    const seen: string[] = [];
    Object.assign(window, { seen });
    new MutationObserver(() => {
      const title = document.querySelector("main h1")?.textContent?.trim() ?? "";
      const listed = [...document.querySelectorAll("#history-list [role=option]")].map((row) => row.textContent ?? "");
      if (listed.length === 2 && title === "two") seen.push(listed.join());
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await page.keyboard.press("Delete");
  await expect(history.rows).toHaveCount(2);
  await expect(heading).toHaveText("one");
  expect(await page.evaluate(() => (window as unknown as { seen: string[] }).seen)).toEqual([]);
  await history.rows.filter({ hasText: "three" }).click({ modifiers: ["Control"] });
  await expect(page.getByText("2 selected")).toBeVisible();
  // The ring is the list's, at the row that the keys are on.
  await expect(page.locator("#history-list")).toBeFocused();
  await page.keyboard.press("Delete");
  await expect(history.rows).toHaveCount(0);
  await expect(heading).toHaveText("Where do your page tables go?");
  await expect(page.getByText("2 experiments deleted")).toBeVisible();
});

test("no ring of the keyboard's focus is cut off, in the list and around the whole window", async ({ lab }) => {
  for (const title of ["one", "two"]) await runSmall(lab, title);
  const { page } = lab;
  await page.keyboard.press("Control+1");
  for (const key of ["Home", "End"]) {
    await page.keyboard.press(key);
    await expect(page.locator("#history-list")).toBeFocused();
    expect(await cutRing(page)).toBeNull();
  }
  const seen = new Set<string>();
  const around = async (): Promise<void> => {
    for (let presses = 0; presses < 120; presses++) {
      await page.keyboard.press("Tab");
      expect(await cutRing(page)).toBeNull();
      const where = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 300) ?? "");
      if (seen.has(where)) return;
      seen.add(where);
    }
  };
  await around();
  expect(seen.size).toBeGreaterThan(12);
});

test("selected experiments are archived, and found again in the archive", async ({ lab }) => {
  await runSmall(lab, "old one");
  await runSmall(lab, "new one");
  const history = new HistoryPane(lab.page);
  await expect(history.rows).toHaveCount(2);
  await history.rows.filter({ hasText: "old one" }).click({ modifiers: ["Control"] });
  await lab.page.getByRole("button", { name: "Archive", exact: true }).click();
  await expect(history.rows).toHaveCount(1);
  await lab.page.getByRole("button", { name: "Sort, filter and columns" }).click();
  await lab.page.getByRole("menuitemradio", { name: "Archive" }).click();
  await expect(history.rows).toHaveText(/old one/);
});

test("run, compare and export without a mouse", async ({ lab, dataFolder }) => {
  await runSmall(lab, "whole tables");
  const key = (keys: string) => lab.page.keyboard.press(keys);
  await key("Control+n");
  await lab.page.getByRole("textbox", { name: "Chunk size" }).focus();
  await lab.page.keyboard.type("64K");
  await lab.page.getByRole("textbox", { name: "Chunk size" }).fill("64K");
  await lab.page.getByRole("textbox", { name: "Mapping" }).fill("1G");
  await key("Control+Enter");
  const shown = new ExperimentPage(lab.page);
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();
  const out = `${dataFolder}/keys.json`;
  await lab.answerSaveDialogs(out);
  await key("Control+k");
  await expect(lab.page.getByRole("combobox", { name: /^Search runs/ })).toBeFocused();
  await lab.page.keyboard.type("export json");
  await key("Enter");
  await expect(lab.page.getByText("Exported keys.json")).toBeVisible();
  await key("Control+1");
  await key("Home");
  await key("Space");
  await key("ArrowDown");
  await key("Space");
  await expect(lab.page.getByText("2 selected")).toBeVisible();
  await key("Control+Shift+c");
  await expect(lab.page.getByRole("heading", { level: 1 })).toHaveText("Compare 4 runs");
  await expect(lab.page.getByRole("row", { name: /^chunk / })).toContainText("64 KiB");
  await expect(lab.page.locator("main")).toContainText("worse");
});
