/** Runs measured on the running kernel, before and while they run; and where notices stand. */
import { skipReason } from "../probe/testing.ts";
import { expect, test } from "./fixtures.ts";
import { ExperimentPage, NewExperimentPage } from "./pages.ts";

test("a measured run says how long it will take, and how far it is", async ({ lab }) => {
  test.skip(skipReason !== null, skipReason ?? "");
  const { page } = lab;
  await lab.resize(1280, 800);
  const form = new NewExperimentPage(page);
  const shown = new ExperimentPage(page);
  await form.open();
  await page.locator("main").getByText("This kernel", { exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: /^About .+ on this machine\.$/ })).toBeVisible();
  await form.run.click();
  const facts = page
    .locator("main section")
    .filter({ has: page.getByRole("heading", { name: "Measured", exact: true }) });
  // One after the other: what runs says how far it is, the other waits.
  await expect(facts).toContainText(/running, [\d.]+ %/);
  await shown.cancel.click();
  await shown.waitUntilDone();
});

test("a notice stands over no control of the chart or the map", async ({ lab }) => {
  const { page } = lab;
  await lab.resize(1280, 800);
  const spec = { workload: { kind: "preset", name: "commit-table", params: { size: 2 ** 28 } } } as const;
  for (const title of ["kept", "deleted"]) await lab.call("experiment.start", { ...spec, title });
  const rows = page.getByRole("navigation", { name: "History" }).getByRole("option");
  await expect(rows).toHaveCount(2);
  await rows.filter({ hasText: "deleted" }).click();
  await page.locator("#history-list").focus();
  await page.keyboard.press("Delete");
  const notice = page.locator("[data-sonner-toast]");
  await expect(notice).toBeVisible();
  const sliders = page.locator("main").getByRole("slider");
  await expect(sliders.last()).toBeVisible();
  const stands = await notice.boundingBox();
  if (!stands) throw new Error("the notice is not drawn");
  for (const slider of await sliders.all()) {
    const box = await slider.boundingBox();
    expect(box && box.x + box.width <= stands.x, (await slider.getAttribute("aria-label")) ?? "").toBe(true);
  }
});
