/** Sweeps: one parameter over a range, the chart and the table of it, a point opened, cancelled and resumed. */
import { expectAccessible } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { HistoryPane, NewExperimentPage } from "./pages.ts";

for (const theme of ["light", "dark"] as const)
  test(`the piece size swept from 64K to 8M: nothing is saved below 2M (${theme})`, async ({ lab }) => {
    await lab.useTheme(theme);
    await lab.resize(1280, 800);
    const { page } = lab;
    const form = new NewExperimentPage(page);
    await form.open();
    await form.field("Mapping").fill("2G");
    await page.getByRole("checkbox", { name: /Run once for each/ }).check();
    await page.getByRole("combobox", { name: "Parameter" }).selectOption({ label: "Chunk size" });
    await form.field("From").fill("64K");
    await form.field("To").fill("8M");
    await form.field("Values").fill("8");
    await expect(page.locator("main")).toContainText("64K, 128K, 256K, 512K, 1M, 2M, 4M, 8M: 16 runs");
    await form.run.click();
    const rows = page.locator("main").getByRole("table").getByRole("row");
    await expect(rows.filter({ has: page.getByRole("rowheader", { name: "8 MiB" }) })).toContainText("−");
    await expect(page.getByText("runs done")).toHaveCount(0);
    await expect(rows.filter({ has: page.getByRole("rowheader", { name: "1 MiB", exact: true }) })).toContainText(
      "0 %",
    );
    await expect(rows.filter({ has: page.getByRole("rowheader", { name: "2 MiB", exact: true }) })).toContainText(
      /−9\d\.\d %/,
    );
    await expect(page.locator("main")).toContainText("Most is saved at");
    await expectAccessible(page, `a sweep, ${theme}`);
    await lab.screenshot(`sweep-${theme}`);

    await page.getByRole("button", { name: "Open chunk 2M" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toContainText("chunk 2M");
    await expect(page.locator("main")).toContainText("with sync reclaim");
    await page.getByRole("button", { name: /The whole sweep/ }).click();
    await expect(page.getByRole("button", { name: "Open chunk 4M" })).toBeVisible();
    await expect(new HistoryPane(page).rows.first()).toContainText(/0(\.0)? to −9/);

    // Run again: the form is the sweep's own, and one of its points is run as an experiment of its own.
    await page.getByRole("button", { name: "Run again…" }).click();
    await expect(page.getByRole("checkbox", { name: /Run once for each/ })).toBeChecked();
    await expect(form.field("Mapping")).toHaveValue("2G");
    await expect(form.field("From")).toHaveValue("64K");
    await expect(form.field("To")).toHaveValue("8M");
    await expect(page.locator("main")).toContainText("64K, 128K, 256K, 512K, 1M, 2M, 4M, 8M: 16 runs");
    await page.getByText("a list", { exact: true }).click();
    await form.field("Values").fill("1M, 3");
    await expect(page.locator("main")).toContainText("3 is outside");
    await expect(form.run).toBeDisabled();
    await form.field("Values").fill("1M, 2M");
    await expect(page.locator("main")).toContainText("1M, 2M: 4 runs");
    await page.getByRole("checkbox", { name: /Run once for each/ }).scrollIntoViewIfNeeded();
    await lab.screenshot(`sweep-form-${theme}`);
    await form.run.click();
    await expect(page.getByRole("button", { name: "Open chunk 2M" })).toBeVisible();
    await expect(new HistoryPane(page).rows).toHaveCount(2);
    await page.getByRole("button", { name: "Open chunk 2M" }).click();
    await page.getByRole("button", { name: "Run again…" }).click();
    await expect(form.field("Chunk size")).toHaveValue("2M");
    await expect(page.getByRole("checkbox", { name: /Run once for each/ })).not.toBeChecked();
  });

test("the palette begins a sweep: the form opens at it", async ({ lab }) => {
  await lab.resize(1280, 800);
  const { page } = lab;
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.type("sweep");
  await expect(page.getByRole("option", { name: /Sweep a parameter/ })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("checkbox", { name: /Run once for each/ })).toBeChecked();
  const parameter = page.getByRole("combobox", { name: "Parameter" });
  await expect(parameter).toBeInViewport();
  await expect(parameter).toBeFocused();
});

test("a sweep that is cancelled can be resumed", async ({ lab }) => {
  // Long enough to be cancelled on a fast machine: on a busy one it takes its time.
  test.slow();
  const { id } = await lab.call("sweep.start", {
    preset: "commit-table",
    params: { size: 2 ** 33, rounds: 300 },
    parameter: "chunk",
    values: [2 ** 20, 2 ** 21, 2 ** 22],
  });
  const { page } = lab;
  const history = new HistoryPane(page);
  await history.rows.first().click();
  await page
    .locator("main")
    .getByRole("button", { name: /^Cancel/ })
    .click();
  await expect(page.getByRole("button", { name: "Run missing points" })).toBeVisible();
  await page.getByRole("button", { name: "Run missing points" }).click();
  await expect
    .poll(async () => {
      const { runs } = await lab.call("experiment.get", { id });
      return new Set(runs.filter((run) => run.status === "done").map((run) => `${run.label} ${run.mode}`)).size;
    })
    .toBe(6);
  await expect(
    page
      .locator("main")
      .getByRole("row")
      .filter({ has: page.getByRole("rowheader", { name: "4 MiB", exact: true }) }),
  ).toContainText("−");
});
