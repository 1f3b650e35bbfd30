/** The history as a table: filter expressions, sort, groups, columns, views; the keys alone. */
import { expectAccessible } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { drawLarge } from "./large.ts";
import { runToEnd } from "./runs.ts";

test("filter, sort, group, choose columns, save a view and come back to it", async ({ lab }) => {
  const { page } = lab;
  await lab.resize(1280, 800);
  const whole = await runToEnd(lab, "whole tables", { size: 2 ** 30 });
  await runToEnd(lab, "small chunks", { size: 2 ** 30, chunk: 2 ** 16 });
  await runToEnd(lab, "another size", { size: 2 ** 29 });
  await lab.call("experiment.describe", { id: whole, tags: ["prod"] });
  await page.keyboard.press("Control+5");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("History");
  const grid = page.getByRole("grid");
  const rows = grid.getByRole("row").filter({ has: page.getByRole("gridcell") });
  await expect(rows).toHaveCount(3);
  await expectAccessible(page, "the history as a table");
  await lab.screenshot("history-table");
  await drawLarge(lab, "history-table");

  const filter = page.getByRole("searchbox", { name: "Filter" });
  await filter.fill("chunk>1M saved>10%");
  await expect(rows).toHaveCount(2);
  await filter.fill("chunk>1M tag:prod");
  await expect(rows).toHaveText([/whole tables/]);
  await filter.fill("saved>much");
  await expect(page.locator("main")).toContainText("is not a share, such as 10%");
  await filter.fill("-tag:prod");
  await expect(rows).toHaveCount(2);
  await filter.fill("");
  await expect(rows).toHaveCount(3);

  await grid.getByRole("button", { name: "Peak VmPTE" }).click();
  await expect(rows.last()).toHaveText(/another size/);
  await expect(grid.getByRole("columnheader", { name: "Peak VmPTE" })).toHaveAttribute("aria-sort", "descending");
  await page.getByRole("button", { name: "Columns", exact: true }).click();
  await page.getByRole("menuitemcheckbox", { name: "chunk", exact: true }).click();
  await page.keyboard.press("Escape");
  await expect(grid.getByRole("columnheader", { name: "chunk" })).toBeVisible();
  await page.getByRole("combobox", { name: "Group by" }).selectOption({ label: "By chunk" });
  await expect(grid.locator(".heading")).toHaveText(["64K", "2M"]);
  await filter.fill("saved>10%");
  await expect(rows).toHaveCount(2);
  await page.getByRole("textbox", { name: "Name of a view" }).fill("what it helps");
  await page.getByRole("button", { name: "Save view" }).click();
  await page.getByRole("combobox", { name: "Group by" }).selectOption({ label: "No groups" });
  await filter.fill("");
  await expect(rows).toHaveCount(3);
  await lab.restart();
  await lab.resize(1280, 800);
  await lab.page.keyboard.press("Control+5");
  const again = lab.page
    .getByRole("grid")
    .getByRole("row")
    .filter({ has: lab.page.getByRole("gridcell") });
  await expect(again).toHaveCount(3);
  await lab.page.getByRole("button", { name: "Views", exact: true }).click();
  await lab.page.getByRole("menuitem", { name: /^what it helps/ }).click();
  await expect(again).toHaveCount(2);
  await expect(lab.page.getByRole("grid").locator(".heading")).toHaveText(["2M"]);
  await lab.screenshot("history-table-view");

  // By keys: to the second row, marked, and opened.
  await lab.page.getByRole("grid").focus();
  await lab.page.keyboard.press("End");
  await lab.page.keyboard.press("Space");
  await expect(lab.page.getByText("1 selected")).toBeVisible();
  await lab.page.keyboard.press("Enter");
  await expect(lab.page.getByRole("heading", { level: 1 })).toHaveText(/another size|whole tables/);
});

test("the list takes the same expressions", async ({ lab }) => {
  await runToEnd(lab, "whole tables", { size: 2 ** 30 });
  await runToEnd(lab, "small chunks", { size: 2 ** 30, chunk: 2 ** 16 });
  const list = lab.page.getByRole("navigation", { name: "History" });
  await expect(list.getByRole("option")).toHaveCount(2);
  await list.getByRole("searchbox").fill("chunk<1M");
  await expect(list.getByRole("option")).toHaveCount(1);
  await expect(list.getByRole("option")).toHaveText(/small chunks/);
});

test("a view that is asked for while the window starts stays", async ({ lab }) => {
  await runToEnd(lab, "the newest", { size: 2 ** 28 });
  const host = await lab.hostPid();
  process.kill(host, "SIGSTOP");
  try {
    await lab.reload();
    await lab.page.keyboard.press("Control+5");
  } finally {
    process.kill(host, "SIGCONT");
  }
  await expect(lab.page.getByRole("navigation", { name: "History" }).getByRole("option")).toHaveCount(1);
  await expect(lab.page.getByRole("heading", { level: 1 })).toHaveText("History");
});
