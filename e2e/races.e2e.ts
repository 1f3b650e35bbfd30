/** The Races view: try a scenario without its patch, see the lanes, export them, stop a search. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expectAccessible } from "./axe.ts";
import { expect, test } from "./fixtures.ts";

for (const theme of ["light", "dark"] as const)
  test(`the scenario of the follow-up fix breaks without it: lanes and export (${theme})`, async ({
    lab,
    dataFolder,
  }) => {
    await lab.useTheme(theme);
    await lab.resize(1280, 800);
    const { page } = lab;
    await page.getByRole("banner").getByRole("button", { name: "Races" }).click();
    const scenarios = page.getByRole("navigation", { name: "Scenarios" });
    await scenarios.getByRole("button", { name: /without the fix(?! of)/ }).click();
    await page.getByRole("button", { name: "Try", exact: true }).click();
    await expect(page.getByText("Invariant violated (no write lost).")).toBeVisible();
    await expect(scenarios.getByRole("button", { name: /without the fix(?! of)/ })).toContainText("broken");
    const lanes = page.locator("main").getByRole("table");
    await expect(lanes.getByRole("columnheader", { name: /^CPU 0/ })).toBeVisible();
    await expect(lanes.getByRole("columnheader", { name: /^CPU 1/ })).toBeVisible();
    const failing = lanes.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "breaks" }) });
    await expect(failing).toHaveCount(1);

    await expectAccessible(page, `races, ${theme}`);
    await lab.screenshot(`races-${theme}`);

    const text = join(dataFolder, "race.txt");
    await lab.answerSaveDialogs(text);
    await page.getByRole("button", { name: "Export text…" }).click();
    await expect(page.getByText("Exported race.txt")).toBeVisible();
    const exported = await readFile(text, "utf8");
    expect(exported).toContain("without the fix: broken: no write lost");
    expect(exported.split("\n").filter((line) => line.startsWith(">>"))).toHaveLength(1);
    const json = join(dataFolder, "race.json");
    await lab.answerSaveDialogs(json);
    await page.getByRole("button", { name: "Export JSON…" }).click();
    await expect(page.getByText("Exported race.json")).toBeVisible();
    expect(JSON.parse(await readFile(json, "utf8"))[0]).toMatchObject({ without: "9fix", verdict: "broken" });
  });

test("all cases: the complete series holds in every scenario", async ({ lab }) => {
  const { page } = lab;
  await page.keyboard.press("Control+3");
  await page.getByRole("button", { name: "Explore all" }).click();
  const cases = page.getByRole("navigation", { name: "Scenarios" }).getByRole("button");
  await expect(cases.filter({ hasText: "complete" }).first()).toBeVisible();
  await expect(cases.filter({ hasText: "not tried" })).toHaveCount(0);
  const complete = cases.filter({ hasText: /^\s*complete/ });
  const texts = await complete.allInnerTexts();
  expect(texts.length).toBeGreaterThan(5);
  for (const words of texts) expect(words).toContain("holds");
});
