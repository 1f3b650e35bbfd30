/** A window zoomed in, or small: 1280 x 800 at 150 %. Nothing is pushed out of it or over something else. */
import { expectAccessible } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { runHeadline } from "./pages.ts";

test("at 150 % everything of the bar, an experiment and the form stays within the window", async ({ lab }) => {
  const { page } = lab;
  await lab.resize(1280, 800);
  const shown = await runHeadline(page);
  await lab.appToAsk.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.setZoomFactor(1.5));
  await page.waitForFunction(() => window.innerWidth < 900);

  const outside = () =>
    page.locator("button:visible, h1:visible, input:visible, select:visible").evaluateAll((all) =>
      all
        .filter((each) => each.closest(".sr-only, fieldset label") === null)
        .map((each) => ({
          what: each.textContent?.trim() || each.getAttribute("aria-label"),
          box: each.getBoundingClientRect(),
        }))
        .filter(({ box }) => box.width > 1 && (box.left < 0 || box.right > window.innerWidth))
        .map(({ what }) => what),
    );
  await expect(shown.title).toBeVisible();
  expect((await shown.title.boundingBox())?.width).toBeGreaterThan(120);
  expect(await outside()).toEqual([]);
  await expectAccessible(page, "an experiment at 150 %");
  await page.keyboard.press("Control+n");
  await expect(page.getByRole("button", { name: "Run", exact: true })).toBeVisible();
  expect(await outside()).toEqual([]);
  await expectAccessible(page, "the form at 150 %");
});
