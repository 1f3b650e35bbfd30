import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** No finding of axe in what the window shows; `what` names it in a failure. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  // Its default mode needs a second page, which this window refuses.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n   ")}`);
  expect(found, what).toEqual([]);
}
