/** The page-table map: the whole space at any moment, into one table and back, by keys alone. */
import { expectAccessible } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { runHeadline } from "./pages.ts";

test("the map shows empty tables without reclaim and none with it, and one table's entries", async ({ lab }) => {
  const { page } = lab;
  await lab.resize(1280, 800);
  await runHeadline(page);
  const panel = page.getByRole("region", { name: "Page tables" });
  await expect(panel.getByRole("list")).toContainText("empty 25,600");
  await panel.getByText("sync reclaim", { exact: true }).click();
  await expect(panel.getByRole("list")).toContainText("freed 25,600");
  await expect(panel.getByRole("list")).not.toContainText("empty");

  const moment = panel.getByRole("slider", { name: /Moment/ });
  await moment.focus();
  await page.keyboard.press("Home");
  await expect(panel).toContainText("operation 0 of 51,201");
  await expect(panel.getByRole("list")).not.toContainText("freed");
  await page.keyboard.press("End");
  await expect(panel.getByRole("list")).toContainText("freed 25,600");
  // What was read of one run is never shown under the name of the other, not even until the other's has come.
  const atOnce = await panel.evaluate((region) => {
    const choice = [...region.querySelectorAll("label, button")].find(
      (each) => each.textContent?.trim() === "no reclaim",
    );
    (choice as HTMLElement).click();
    return new Promise<string>((resolve) => {
      requestAnimationFrame(() => resolve(region.querySelector("ul")?.textContent ?? ""));
    });
  });
  expect(atOnce).not.toContain("freed");
  await expect(panel.getByRole("list")).toContainText("empty 25,600");

  const cells = panel.getByRole("slider", { name: /Cells/ });
  await cells.focus();
  for (let press = 0; press < 3; press++) await page.keyboard.press("ArrowRight");
  await expect(cells).toHaveAttribute("aria-valuetext", /^0x[0-9a-f ]+: \d+ empty$/);
  await page.keyboard.press("Enter");
  await expect(panel).toContainText("one cell = 1 PTE table");
  await expect(panel.getByRole("list")).toContainText(/empty \d\d(?!,)/);
  await lab.screenshot("map-zoomed");
  await cells.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await expect(panel).toContainText("512 none");
  await expectAccessible(page, "the map");
  await panel.getByRole("button", { name: "Back to the map" }).click();
  await panel.getByRole("button", { name: "Zoom out" }).click();
  await expect(panel.getByRole("list")).toContainText("empty 25,600");
});
