/** The first page and the palette: what somebody finds who has not read anything. */
import { expectAccessible } from "./axe.ts";
import { expect, type LabApp, test } from "./fixtures.ts";
import { runToEnd } from "./runs.ts";

const heading = (lab: LabApp, name: string | RegExp) => lab.page.getByRole("heading", { level: 1, name });
const entry = (lab: LabApp, name: RegExp) => lab.page.getByRole("article").filter({ hasText: name });
const FIRST_PAGE = "Where do your page tables go?";

test("three equal entries and a line for kernel developers; Enter does the first", async ({ lab }) => {
  const { page } = lab;
  await lab.resize(1280, 800);
  await expect(heading(lab, FIRST_PAGE)).toBeVisible();
  await expect(page.getByRole("article")).toHaveCount(3);
  const boxes = await page
    .getByRole("article")
    .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
  expect(new Set(boxes.map(({ width, height, y }) => [width, height, y].map(Math.round).join())).size).toBe(1);
  await expectAccessible(page, "the first page");
  await lab.screenshot("first-page");
  await page.keyboard.press("Enter");
  await expect(heading(lab, /this machine/i)).toBeVisible();

  await page.keyboard.press("Alt+Home");
  await expect(heading(lab, FIRST_PAGE)).toBeVisible();
  for (const name of ["Record…", "Attach…", "Open trace…"])
    await expect(entry(lab, /Would it help my program/).getByRole("button", { name })).toBeEnabled();
  await page.locator("main").getByRole("button", { name: "races" }).click();
  await expect(heading(lab, /Races|race/i)).toBeVisible();
  await page.keyboard.press("Alt+Home");
  await page.getByRole("button", { name: "compare policies" }).click();
  await expect(page.locator("main").getByRole("button", { name: "Run", exact: true })).toBeVisible();
  // All of them: that is what was asked for.
  for (const chip of await page.getByRole("group", { name: "Policies" }).getByRole("checkbox").all())
    await expect(chip).toBeChecked();
  await page.keyboard.press("Alt+Home");
  await entry(lab, /series' own/)
    .getByRole("button")
    .click();
  await expect(page.getByText("99.8 % less")).toBeVisible();
});

test("the palette finds things by the words that people use", async ({ lab }) => {
  const { page } = lab;
  await runToEnd(lab, "checkout under load", { size: 2 ** 28 });
  // What can be done with an experiment is offered, too.
  await page.getByRole("navigation", { name: "History" }).getByRole("option").first().click();
  await expect(heading(lab, "checkout under load")).toBeVisible();
  const found = (kind: string) => page.getByRole("group", { name: kind }).getByRole("option");
  const words: readonly (readonly [string, RegExp])[] = [
    ["capture", /^(Record a program|Open a capture)/],
    ["record", /^Record a program/],
    ["my program", /Open a trace|Record a program/],
    ["baseline", /^(Pin as baseline|Baseline: )/],
    ["deleted", /^(Undo delete|Show the trash)/],
    ["trash", /^Show the trash/],
    ["theme", /^Switch between light and dark/],
  ];
  for (const [typed, first] of words) {
    await page.keyboard.press("Control+k");
    await page.keyboard.type(typed);
    await expect(found("Commands").first(), typed).toHaveText(first);
    if (typed === "theme") await expect(page.getByRole("option", { name: /Delete/ })).toHaveCount(0);
    if (typed === "trash") await expect(page.getByRole("option", { name: /Races/ })).toHaveCount(0);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
  await page.keyboard.press("Control+k");
  await expectAccessible(page, "the palette");
  await page.keyboard.type("checkout");
  await expect(found("History").first()).toHaveText(/^checkout under load/);
  await lab.screenshot("palette-found");
  await page.keyboard.press("Enter");
  await expect(heading(lab, "checkout under load")).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("trash");
  await page.keyboard.press("Enter");
  await expect(page.getByText("The trash is empty.")).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});
