/** Every view, in light and dark: no finding of axe; and a picture of each, kept under docs/screens. */
import { dirname } from "node:path";
import { expectAccessible } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { ExperimentPage, HistoryPane, NewExperimentPage } from "./pages.ts";

for (const theme of ["light", "dark"] as const)
  test(`axe finds nothing in any view (${theme})`, async ({ lab, dataFolder }) => {
    test.setTimeout(120_000);
    const look = async (name: string): Promise<void> => {
      await lab.page.waitForTimeout(250);
      await expectAccessible(lab.page, `${name}, ${theme}`);
      await lab.screenshot(`${name}-${theme}`);
    };
    await lab.call("app.setSettings", { theme });
    // Pictures show "~" and no folder of this one run.
    await lab.restart({ env: { HOME: dirname(dataFolder) } });
    await lab.resize(1280, 800);
    await expect(lab.page.getByRole("button", { name: "Run the 50 GB experiment" })).toBeVisible();
    await look("first-run");

    await lab.page.getByRole("button", { name: "Run the 50 GB experiment" }).click();
    const shown = new ExperimentPage(lab.page);
    await expect(shown.numbers).toBeVisible();
    await shown.waitUntilDone();
    await expect(lab.page.locator("main")).toContainText("99.8 % less");
    const chart = lab.page.locator("main").getByRole("slider").first();
    await chart.focus();
    await lab.page.keyboard.press("End");
    for (let press = 0; press < 4; press++) await lab.page.keyboard.press("Control+ArrowLeft");
    await expect(chart).toHaveAttribute("aria-valuetext", /sync .*kB, without .*kB/);
    await look("crosshair");
    await lab.page.keyboard.press("Escape");
    await lab.page.keyboard.press("s");
    await expect(lab.page.getByRole("table", { name: /Samples/ })).toBeVisible();
    await look("samples");
    await lab.page.keyboard.press("s");

    await lab.page.keyboard.press("?");
    await look("shortcuts");
    await lab.page.keyboard.press("Escape");
    await lab.page.keyboard.press("Control+k");
    await expect(lab.page.getByRole("combobox", { name: /^Search runs/ })).toBeFocused();
    await lab.page.keyboard.type("exp");
    await look("palette");
    await lab.page.keyboard.press("Escape");

    const form = new NewExperimentPage(lab.page);
    await form.open();
    await look("new-experiment");
    await form.field("Mapping").fill("12 lots");
    await expect(form.run).toBeDisabled();
    await look("new-experiment-refused");
    await form.field("Mapping").fill("4G");
    await form.field("Piece").fill("1M");
    await form.run.click();
    await shown.waitUntilDone();
    await expect(shown.numbers).toBeVisible();

    const history = new HistoryPane(lab.page);
    await expect(history.rows).toHaveCount(2);
    await history.rows.first().click({ modifiers: ["Control"] });
    await history.rows.last().click({ modifiers: ["Control"] });
    await lab.page.getByRole("button", { name: "Compare", exact: true }).click();
    await expect(lab.page.getByRole("heading", { level: 1 })).toHaveText("Compare 4 runs");
    await look("compare");

    await lab.page.keyboard.press("Control+k");
    await expect(lab.page.getByRole("combobox", { name: /^Search runs/ })).toBeFocused();
    await lab.page.keyboard.type("machine");
    await lab.page.keyboard.press("Enter");
    await expect(lab.page.getByRole("heading", { name: "What this machine has" })).toBeVisible();
    await look("machine");

    await history.rows.last().click();
    await expect(lab.page.locator("main")).toContainText("99.8 % less");
    await lab.resize(1920, 1080);
    await look("experiment-1920");
  });
