/** A service: all processes of a trace together, their sum and a line and a row each. */
import { expectAccessible } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { drawLarge } from "./large.ts";
import { ExperimentPage } from "./pages.ts";
import { serviceTrace } from "./service-trace.ts";

test("all processes of a trace are run as one, with a line and a row each, and forks are marked", async ({
  lab,
  dataFolder,
}) => {
  const { page } = lab;
  await lab.resize(1280, 800);
  await lab.answerOpenDialogs(await serviceTrace(dataFolder, 20));
  await page.keyboard.press("Control+o");
  const together = page.getByRole("radio", { name: "All together, a service" });
  await expect(page.getByRole("row", { name: /All together/ })).toContainText("–");
  await together.check();
  await expectAccessible(page, "a service is chosen");
  await lab.screenshot("service-form");
  await page.getByRole("button", { name: "Replay under 2 policies" }).click();
  const shown = new ExperimentPage(page);
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();
  await expect(shown.title).toContainText("21 processes");
  const panel = page.getByRole("region", { name: "Processes" });
  await expect(panel.getByRole("heading", { level: 2 })).toHaveText("21 processes");
  await expect(panel.getByRole("img")).toHaveAccessibleName(/all processes together and of the largest 7/);
  const table = panel.getByRole("table", { name: "Processes, the largest first" });
  const rows = table.locator("tbody tr");
  await expect(rows).toHaveCount(12);
  await expect(rows.first().locator("svg path")).toHaveAttribute("d", /^M/);
  // The server has what it gave back; its workers end.
  await expect(rows.first()).toContainText("server");
  for (const theme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await panel.scrollIntoViewIfNeeded();
    await expectAccessible(page, `a service, ${theme}`);
    await lab.screenshot(`service-${theme}`);
    await drawLarge(lab, `service-${theme}`);
  }
  await panel.getByRole("button", { name: "All 21" }).click();
  await expect(rows).toHaveCount(21);
  await expect(table.getByText("ended").first()).toBeAttached();
  await panel.getByRole("combobox").selectOption({ label: "no reclaim" });
  await expect(table.getByRole("columnheader", { name: "saved" })).toHaveCount(0);
  // The sum is what the numbers say.
  const end = await shown.row("VmPTE at the end");
  const kb = await table
    .locator("tbody tr td:nth-child(6)")
    .evaluateAll((cells) => cells.map((cell) => Number.parseInt((cell as HTMLElement).title.replaceAll(",", ""), 10)));
  const living = await table
    .locator("tbody tr td:nth-child(6)")
    .evaluateAll((cells) => cells.map((cell) => cell.textContent?.trim() !== "ended"));
  expect(kb.filter((_, i) => living[i]).reduce((sum, each) => sum + each, 0)).toBe(end["no reclaim"]);
  await page.locator("main").getByRole("region", { name: "Chart" }).scrollIntoViewIfNeeded();
  await lab.screenshot("service-chart");
});
