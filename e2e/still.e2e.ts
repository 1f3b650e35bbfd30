/** A view that nobody touches and in which nothing runs is left as it is: nothing is drawn, asked or counted again. */
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { runHeadline } from "./pages.ts";

/** Frames that are watched: about a second. */
const FRAMES = 60;

/** What changes in the page within FRAMES frames, a line each. */
const changes = (page: Page): Promise<string[]> =>
  page.evaluate(async (frames) => {
    const seen = new Set<string>();
    const observer = new MutationObserver((records) => {
      for (const { type, target, attributeName } of records)
        seen.add(`${type} ${attributeName ?? ""} ${target.nodeName} ${(target as Element).className ?? ""}`);
    });
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    for (let frame = 0; frame < frames; frame++) await new Promise(requestAnimationFrame);
    observer.disconnect();
    return [...seen];
  }, FRAMES);

async function expectStill(page: Page, view: string): Promise<void> {
  await expect.poll(() => changes(page), `${view} comes to rest`).toEqual([]);
}

test("views come to rest", async ({ lab }) => {
  const { page } = lab;
  await lab.resize(1280, 800);
  await expectStill(page, "the first page");
  await runHeadline(page);
  await expect(page.getByRole("region", { name: "Page tables" }).getByRole("list")).toContainText("empty 25,600");
  await expectStill(page, "an experiment with its map");
  await page.keyboard.press("Control+5");
  await expect(page.getByRole("grid", { name: "Experiments as a table" })).toBeVisible();
  await expectStill(page, "the history as a table");
  await page.keyboard.press("Control+6");
  await expectStill(page, "the form of a recording");
  await page.getByRole("button", { name: "Races", exact: true }).click();
  await expectStill(page, "the races");
  await page.keyboard.press("Control+n");
  await expectStill(page, "the form of an experiment");
});
