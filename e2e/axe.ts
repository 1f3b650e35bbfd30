import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** What moved has come to rest: menus have faded in, and charts, which draw a frame after their data, are drawn. */
export async function atRest(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const moving = () =>
      document.getAnimations().some(({ playState, effect }) => {
        const ends = Number.isFinite(Number(effect?.getComputedTiming().endTime));
        return playState === "running" && ends;
      });
    do for (let frames = 0; frames < 3; frames++) await frame();
    while (moving());
  });
}

/** No finding of axe in what the window shows once it is at rest; `what` names it in a failure. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  await atRest(page);
  // Its default mode needs a second page, which this window refuses.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n   ")}`);
  expect(found, what).toEqual([]);
  // What is to be typed looks like it: the marks of the sources are for the command line.
  expect(await page.locator("body").innerText(), what).not.toContain("`");
}
