/** The Races view: try a scenario without its patch, see the lanes, export them, stop a search. */
import { readFile, writeFile } from "node:fs/promises";
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
    await scenarios
      .getByRole("button", { name: /without the fix(?! of)/ })
      .first()
      .click();
    await page.getByRole("button", { name: "Try", exact: true }).click();
    await expect(page.getByText("Invariant violated: a write was lost.")).toBeVisible();
    await expect(scenarios.getByRole("button", { name: /without the fix(?! of)/ }).first()).toContainText("broken");
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
    expect(exported).toContain("without the fix: invariant violated: a write was lost");
    expect(exported.split("\n").filter((line) => line.startsWith(">>"))).toHaveLength(1);
    const json = join(dataFolder, "race.json");
    await lab.answerSaveDialogs(json);
    await page.getByRole("button", { name: "Export JSON…" }).click();
    await expect(page.getByText("Exported race.json")).toBeVisible();
    expect(JSON.parse(await readFile(json, "utf8"))[0]).toMatchObject({ without: "9fix", verdict: "broken" });
  });

test("a scenario of one's own: opened, tried under every policy, its counterexample shown", async ({
  lab,
  dataFolder,
}) => {
  const { page } = lab;
  const path = join(dataFolder, "mine.race");
  await writeFile(
    path,
    "title mine\nsetup\n  map 0 2M rw\n  touch 0 8K\nlane DONTNEED\n  dontneed 0 2M\nlane writer\n  touch 0 4K w\nlane timer of CPU 0\n  timer 0\n",
  );
  await page.keyboard.press("Control+3");
  await lab.answerOpenDialogs(path);
  await page.getByRole("button", { name: "Open scenario…" }).click();
  const mine = page.getByRole("navigation", { name: "Scenarios" }).getByRole("region", { name: "mine" });
  await expect(mine.getByRole("button").filter({ hasText: "not tried" })).toHaveCount(0);
  await expect(mine.getByRole("button", { name: /eager sync/ })).toContainText("holds");
  await mine.getByRole("button", { name: /without the fix(?! of)/ }).click();
  await expect(page.getByText("Invariant violated: a write was lost.")).toBeVisible();
  await expect(page.getByText("reclaim-lab race mine.race --without 9fix")).toBeVisible();
  await lab.screenshot("races-own");
});

test("all cases: the complete series holds in every scenario", async ({ lab }) => {
  const { page } = lab;
  await page.keyboard.press("Control+3");
  await page.getByRole("button", { name: "Explore all" }).click();
  const cases = page.getByRole("navigation", { name: "Scenarios" }).getByRole("button");
  await expect(cases.filter({ hasText: "complete" }).first()).toBeVisible();
  // Every scenario under every policy and without every patch: minutes on a busy machine.
  await expect(cases.filter({ hasText: "not tried" })).toHaveCount(0, { timeout: 300_000 });
  const complete = cases.filter({ hasText: /^\s*complete/ });
  const texts = await complete.allInnerTexts();
  expect(texts.length).toBeGreaterThan(5);
  for (const words of texts) expect(words).toContain("holds");
});
